package remote

import (
	"encoding/binary"

	"golang.org/x/crypto/ssh"
)

// outcome is what is known of a script when it has ended.
type outcome struct {
	// status is the exit status, -1 for none; signal is what ended it.
	status int
	signal string
	// answered says that there was an exit status or signal at all.
	answered bool
}

// outcomeOf waits for the exit status or signal, or for the end of the session without one.
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
			request.Reply(false, nil) //nolint:errcheck // when it fails the session is over
		}
		if result.answered {
			return result
		}
	}
	return result
}
