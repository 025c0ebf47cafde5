package remotetest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// Hostile is a host that never comes to an end; see [Options].Command. It goes on until its session is ended; where it
// is deaf, not even then.
type Hostile func(session Session, marker string)

// dripEvery is how often a host drips.
const dripEvery = 5 * time.Millisecond

// Command makes an [Options].Command of it.
func (h Hostile) Command(deaf bool) func(Session) Exit {
	return func(session Session) Exit {
		program, _ := bufio.NewReader(session.Stdin).ReadBytes('\n') // what is cut off is not understood
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

// Says is an [Options].Command that prints a text, in which MARKER stands for the script's, and ends so.
func Says(text string, exit Exit) func(Session) Exit {
	return func(session Session) Exit {
		Hostile(func(_ Session, marker string) {
			fmt.Fprintln(session.Stderr, marker)                                       //nolint:errcheck // the session would be over
			io.WriteString(session.Stdout, strings.ReplaceAll(text, "MARKER", marker)) //nolint:errcheck // as above
		}).Ending(session)
		return exit
	}
}

// Ending is a Command that says what it has to, and ends.
func (h Hostile) Ending(session Session) Exit {
	program, _ := bufio.NewReader(session.Stdin).ReadBytes('\n') // what is cut off is not understood
	if script, understood := receive(program); understood {
		h(session, string(script.marker))
	}
	return Exit{Status: 1}
}

// Silent says nothing.
func Silent(Session, string) {}

// Drips prints a byte now and then.
func Drips(session Session, marker string) { drip(session, marker, ".") }

// DripsLines prints a line of standard error now and then, as a program does that tries again and again.
func DripsLines(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker) //nolint:errcheck // the session would be over
	for session.Ended.Err() == nil {
		fmt.Fprintln(session.Stderr, "trying again\x1b[2J") //nolint:errcheck // as above
		time.Sleep(dripEvery)
	}
}

// DripsProgress says again and again that it comes further.
func DripsProgress(session Session, marker string) {
	drip(session, marker, "\n"+marker+" progress 0\n")
}

// DripsPatience asks for more time than there is.
func DripsPatience(session Session, marker string) {
	drip(session, marker, "\n"+marker+" progress 65535\n")
}

func drip(session Session, marker, text string) {
	fmt.Fprintln(session.Stderr, marker) //nolint:errcheck // the session would be over
	for session.Ended.Err() == nil {
		io.WriteString(session.Stdout, text) //nolint:errcheck // as above
		time.Sleep(dripEvery)
	}
}

// FloodsStderr prints to standard error without end.
func FloodsStderr(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker) //nolint:errcheck // the session would be over
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

// NeverCloses says all it has to, and that it has ended.
func NeverCloses(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker)                                  //nolint:errcheck // the session would be over
	fmt.Fprintf(session.Stdout, "\n%s begin a\nx\n%[1]s end 0\n", marker) //nolint:errcheck // as above
	fmt.Fprintf(session.Stdout, "\n%s done 0\n", marker)                  //nolint:errcheck // as above
}

// StopsInAnAnswer has begun to answer, and says nothing any more.
func StopsInAnAnswer(session Session, marker string) {
	fmt.Fprintln(session.Stderr, marker)                                  //nolint:errcheck // the session would be over
	fmt.Fprintf(session.Stdout, "\n%s begin content\na secret\n", marker) //nolint:errcheck // as above
}
