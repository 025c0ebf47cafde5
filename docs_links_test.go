package dualstrap_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// markdown is a Markdown file.
type markdown struct {
	// text is the page without its blocks of code, in which brackets and number signs have other meanings.
	text string
	// code lists the lines of its blocks of code, without comments.
	code []string
}

// readPage reads a Markdown file of the project.
func readPage(t *testing.T, file string) markdown {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	comment := regexp.MustCompile(`(^|\s+)# .*$`)
	var p markdown
	var text strings.Builder
	fenced := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(line, "    "):
			p.code = append(p.code, comment.ReplaceAllString(line, ""))
		default:
			text.WriteString(line + "\n")
		}
	}
	p.text = text.String()
	return p
}

// anchors returns the fragments that headings of the page have on GitHub.
func (p markdown) anchors() []string {
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	seen := map[string]int{}
	var anchors []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(p.text, -1) {
		anchor := strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-")
		if seen[anchor]++; seen[anchor] > 1 {
			anchor = fmt.Sprintf("%s-%d", anchor, seen[anchor]-1)
		}
		anchors = append(anchors, anchor)
	}
	return anchors
}

// links returns the targets of the page's links and pictures that are files of the project or places in the page.
func (p markdown) links() []string {
	var links []string
	for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(p.text, -1) {
		if !strings.Contains(link[1], "://") {
			links = append(links, link[1])
		}
	}
	return links
}

// TestLinks checks that links between pages lead to a file, and to a heading if they name one.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, file := range writtenFiles(t) {
		if path.Ext(file) != ".md" {
			continue
		}
		for _, link := range readPage(t, file).links() {
			name, anchor, hasAnchor := strings.Cut(link, "#")
			target := file
			if name != "" {
				target = path.Join(path.Dir(file), name)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, link, err)
			} else if hasAnchor && !slices.Contains(readPage(t, target).anchors(), anchor) {
				t.Errorf("%s links to %s, but %s has no such heading", file, link, target)
			}
		}
	}
}

// TestDocsIndex checks that the index of the documentation lists every page of its directory.
func TestDocsIndex(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	links := readPage(t, "docs/README.md").links()
	for _, file := range pages {
		if name := path.Base(file); name != "README.md" && !slices.Contains(links, name) {
			t.Errorf("docs/README.md does not list %s", name)
		}
	}
}

// TestReadmesAgree checks that translations of the README have the sections, the links and the code of the original. Only
// the comments in the code are translated.
func TestReadmesAgree(t *testing.T) {
	t.Parallel()
	files := readmes()
	original := readPage(t, files[0])
	for _, file := range files[1:] {
		translation := readPage(t, file)
		if diff := cmp.Diff(original.code, translation.code); diff != "" {
			t.Errorf("%s has other code than %s (-%s +%s):\n%s", file, files[0], files[0], file, diff)
		}
		if got, want := len(translation.anchors()), len(original.anchors()); got != want {
			t.Errorf("%s has %d headings, want %d as in %s", file, got, want, files[0])
		}
		// Each README links to the other one, so that those links differ.
		among := func(link string) bool { return slices.Contains(files, link) }
		got, want := slices.DeleteFunc(translation.links(), among), slices.DeleteFunc(original.links(), among)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s has other links than %s (-want +got):\n%s", file, files[0], diff)
		}
	}
}
