package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"
)

// Argument is the hidden first argument that makes the host's binary a probe.
const Argument = "adapter-probe"

// Scene says what is there to be reached.
type Scene struct {
	// Host is the process id of the doctor, Bystander that of a child of its own.
	Host, Bystander int
	// Secret can be read by everybody, Private by the doctor alone; Open is a directory that everybody can write to.
	Secret, Private, Open string
	// Stream and Datagram are unix sockets of the doctor's; Engine and Database those of a container engine and a database.
	Stream, Datagram, Engine, Database string
	// TCP and UDP are addresses where the doctor listens.
	TCP, UDP string
	// SocketDir is where the program may serve.
	SocketDir string
	// Program is an executable file.
	Program string
	// BinaryFD is the descriptor that the program was executed from, Leftover one that the doctor left open by mistake.
	BinaryFD, Leftover int
	// Variables are those of the environment that the program is given.
	Variables []string
	// MemoryBytes, FileBytes, Files and Threads are beyond what it may have.
	MemoryBytes, FileBytes int64
	Files, Threads         int
	Egress                 Egress
}

// Egress is what the program knows of calls and hosts.
type Egress struct {
	// Call is the dial id of a call that may reach Declared and Port; Strict that of one whose operator opened no private addresses; Ended
	// that of a call that is over.
	Call, Strict, Ended string
	// Declared is served over HTTPS at loopback. Metadata is declared too and stands for the cloud's metadata service.
	Declared, Metadata string
	Port               int
}

// The descriptors that the program is given.
const (
	ConnectedFD   = 3 // a connection whose peer sends back what it gets
	ResetFD       = 4 // connections that their peer has reset
	SecondResetFD = 5
	EgressFD      = 6
)

// State says where the program is with an attempt.
type State string

// An attempt begins with Trying and ends with one of the last two, or with the program.
const (
	Trying  State = "trying"
	Serving State = "serving" // it waits for a connection at the path in Detail
	Allowed State = "allowed"
	Refused State = "refused"
)

// Result is one line of the program's output.
type Result struct {
	Name  string
	State State
	// Detail says for people what was gained, or what the error was.
	Detail string `json:",omitempty"`
	// Errno is the kernel's error, 0 without.
	Errno syscall.Errno `json:",omitempty"`
	// By names what refused, where the program knows it by other means than the errno.
	By string `json:",omitempty"`
}

// errStopped is an error whose cause is known.
type errStopped struct{ by, detail string }

func (e *errStopped) Error() string { return e.detail }

// What Run is told to do, before a name of an attempt.
const (
	try = "try"
	// say is what an executed program is told: it got there.
	say = "say"
	// stand is what a bystander is told.
	stand = "stand"
)

// Arguments are those of a program that tries the attempts so named. It fails when the scene cannot be encoded.
func Arguments(scene Scene, names []string) ([]string, error) {
	raw, err := json.Marshal(scene)
	if err != nil {
		return nil, fmt.Errorf("encoding scene: %w", err)
	}
	return append([]string{Argument, try, string(raw)}, names...), nil
}

// BystanderArguments are those of a program that prints a line, does nothing, and ends with its standard input.
func BystanderArguments() []string { return []string{Argument, stand} }

// Run does what the arguments after Argument say, and returns the exit status: 0, or 2 when they make no sense.
func Run(args []string, in io.Reader, out io.Writer) int {
	lines := json.NewEncoder(out)
	var err error
	switch {
	case len(args) == 1 && args[0] == stand:
		err = beBystander(in, out)
	case len(args) == 2 && args[0] == say:
		err = lines.Encode(Result{Name: args[1], State: Allowed, Detail: "executed"})
	case len(args) > 2 && args[0] == try:
		err = tryAll(args[1], args[2:], lines)
	default:
		err = errors.New("this command is run by patchbay doctor, not by hand")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return 0
}

func tryAll(raw string, names []string, lines *json.Encoder) error {
	signal.Ignore(syscall.SIGXFSZ) // a file that grows too large is an error then
	var scene Scene
	if err := json.Unmarshal([]byte(raw), &scene); err != nil {
		return fmt.Errorf("reading scene: %w", err)
	}
	known := map[string]Attempt{}
	for _, attempt := range Attempts(true) {
		known[attempt.Name] = attempt
	}
	for _, name := range names {
		attempt, found := known[name]
		if !found {
			return fmt.Errorf("there is no attempt %q", name)
		}
		if err := lines.Encode(Result{Name: name, State: Trying}); err != nil {
			return err
		}
		say := func(r Result) error { return lines.Encode(r) }
		if err := say(result(name, scene, attempt, say)); err != nil {
			return err
		}
	}
	return nil
}

func result(name string, scene Scene, attempt Attempt, say func(Result) error) Result {
	gained, err := attempt.try(trial{Scene: scene, name: name, say: say})
	r := Result{Name: name, State: Allowed, Detail: gained}
	if err == nil {
		return r
	}
	r.State, r.Detail = Refused, err.Error()
	var path *fs.PathError
	if errors.As(err, &path) { // which path it was, the name of the attempt says
		r.Detail = path.Op + ": " + path.Err.Error()
	}
	var stopped *errStopped
	if errors.As(err, &stopped) {
		r.By = stopped.by
	}
	_ = errors.As(err, &r.Errno) // stays 0 where there is none
	return r
}

// beBystander lets everybody of its user look into it, where the kernel asks.
func beBystander(in io.Reader, out io.Writer) error {
	allowTracing()
	if _, err := fmt.Fprintln(out, "standing"); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, in)
	return err
}
