package remotetest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Hostile is a script that never finishes. Its Command is for [Options.Command].
type Hostile func(session Session, marker string)

// dripEvery is the interval of the output of a script that drips.
const dripEvery = 5 * time.Millisecond

// Command returns a command that runs until its session ends. A deaf one ignores the end of the session, and runs until the
// server ends.
func (h Hostile) Command(deaf bool) func(Session) Exit {
	return func(session Session) Exit {
		program, _ := bufio.NewReader(session.Stdin).ReadBytes('\n') // receive rejects an interrupted line
		if script, understood := receive(program); understood {
			h(session, string(script.marker))
		}
		<-session.Ended.Done()
		if deaf {
			<-session.Server.Done()
		}
		return Exit{Vanish: true}
	}
}

// Says returns a command for [Options.Command] that prints text and ends with exit. MARKER in text stands for the script's
// marker.
func Says(text string, exit Exit) func(Session) Exit {
	return func(session Session) Exit {
		Hostile(func(_ Session, marker string) {
			fmt.Fprintln(session.Stderr, marker)
			io.WriteString(session.Stdout, strings.ReplaceAll(text, "MARKER", marker))
		}).Ending(session)
		return exit
	}
}

// Ending is a command that runs the script, ends at once and fails without the frame's end.
func (h Hostile) Ending(session Session) Exit {
	program, _ := bufio.NewReader(session.Stdin).ReadBytes('\n') // receive rejects an interrupted line
	if script, understood := receive(program); understood {
		h(session, string(script.marker))
	}
	return Exit{Status: 1}
}

// Silent prints nothing.
func Silent(Session, string) {}

// Drips prints a byte every few milliseconds.
func Drips(session Session, marker string) { drip(session, marker, ".") }

// DripsLines prints a line to standard error every few milliseconds, as a program does that retries forever.
func DripsLines(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker)
	for session.Ended.Err() == nil {
		fmt.Fprintln(session.Stderr, "trying again\x1b[2J")
		time.Sleep(dripEvery)
	}
}

// DripsProgress reports progress every few milliseconds.
func DripsProgress(session Session, marker string) {
	drip(session, marker, "\n"+marker+" progress 0\n")
}

// DripsPatience reports progress every few milliseconds, and asks for as much time as the protocol allows.
func DripsPatience(session Session, marker string) {
	drip(session, marker, "\n"+marker+" progress 65535\n")
}

// drip prints text to standard output until the session ends.
func drip(session Session, marker, text string) {
	fmt.Fprintln(session.Stderr, marker)
	for session.Ended.Err() == nil {
		io.WriteString(session.Stdout, text)
		time.Sleep(dripEvery)
	}
}

// FloodsStderr prints to standard error as fast as it can until the session ends.
func FloodsStderr(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker)
	page := make([]byte, 32<<10)
	for i := range page {
		page[i] = "noise\n"[i%6]
	}
	for session.Ended.Err() == nil {
		if _, err := session.Stderr.Write(page); err != nil {
			return
		}
	}
}

// NeverCloses prints a complete answer and the end of the script; the session stays open.
func NeverCloses(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker)
	fmt.Fprintf(session.Stdout, "\n%s begin a\nx\n%[1]s end 0\n", marker)
	fmt.Fprintf(session.Stdout, "\n%s done 0\n", marker)
}

// StopsInAnAnswer prints the beginning of an answer, with secret content, and then nothing more.
func StopsInAnAnswer(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker)
	fmt.Fprintf(session.Stdout, "\n%s begin content\na secret\n", marker)
}
