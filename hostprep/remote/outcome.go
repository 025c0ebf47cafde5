package remote

import (
	"encoding/binary"

	"golang.org/x/crypto/ssh"
)

// outcome describes how a script ended, as far as sshd reported it.
type outcome struct {
	// status is the exit status, or -1 when there was none. signal is the name of the signal that ended the script.
	status int
	signal string
	// answered reports whether sshd sent an exit status or a signal.
	answered bool
}

// outcomeOf waits for the exit status or the signal, or for the end of the session without either.
func outcomeOf(requests <-chan *ssh.Request) outcome {
	result := outcome{status: -1}
	for request := range requests {
		switch request.Type {
		case "exit-status":
			if len(request.Payload) >= 4 {
				result.status, result.answered = int(binary.BigEndian.Uint32(request.Payload)), true
			}
		case "exit-signal":
			var message struct {
				Signal     string
				CoreDumped bool
				Error      string
				Language   string
			}
			if ssh.Unmarshal(request.Payload, &message) == nil {
				result.signal, result.answered = message.Signal, true
			}
		}
		if request.WantReply {
			request.Reply(false, nil)
		}
		if result.answered {
			return result
		}
	}
	return result
}
