package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// execPatience is how long a command may take; the host bounds it by its own time.
const execPatience = 25 * time.Hour

type sandboxExecCmd struct {
	sandboxArg
	Command    []string          `arg:"" passthrough:"" help:"The command; a single argument is given to the shell."`
	Timeout    int               `default:"3600" placeholder:"SECONDS" help:"It is ended after so long."`
	Cwd        string            `placeholder:"FOLDER" help:"Where it runs; /workspace when left out."`
	Env        map[string]string `placeholder:"NAME=VALUE" help:"Its environment, beside the sandbox's."`
	Background bool              `help:"Print its id and do not wait."`
}

// Run runs a command; what it says comes as it is said, and its exit code is this program's.
func (c *sandboxExecCmd) Run(ctx context.Context, at *client, con *console) error {
	args := c.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return usageError("there is no command")
	}
	command := args[0]
	if len(args) > 1 {
		quoted := make([]string, len(args))
		for i, a := range args {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		command = strings.Join(quoted, " ")
	}
	in := map[string]any{"command": command, "timeout": c.Timeout, "background": c.Background}
	if c.Background {
		in["timeout"] = 0
	}
	if c.Cwd != "" {
		in["cwd"] = c.Cwd
	}
	if len(c.Env) > 0 {
		in["env"] = c.Env
	}
	r := post(in, "v1", "sandboxes", c.ID, "exec")
	r.patience = execPatience
	if con.json || c.Background {
		return show(ctx, at, con, r, func(v sandboxResult) { con.say("%s", clean(v.Operation)) })
	}
	r.header = http.Header{"Accept": {"application/x-ndjson"}}
	answer, err := at.send(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	return con.sandboxLines(answer.Body)
}

type sandboxResult struct {
	Operation       string   `json:"operation_id"`
	Stdout          string   `json:"stdout"`
	Stderr          string   `json:"stderr"`
	ExitCode        int      `json:"exit_code"`
	TimedOut        bool     `json:"timed_out"`
	StdoutTruncated bool     `json:"stdout_truncated"`
	Files           []string `json:"files"`
}

// ending is the error of a command that did not end well.
func (v sandboxResult) ending() error {
	switch {
	case v.TimedOut:
		return &exitError{code: exitFailed, err: errors.New("its time was over, and it was ended")}
	case v.ExitCode != 0:
		return &exitError{code: max(v.ExitCode, 1), err: fmt.Errorf("it ended with exit code %d", v.ExitCode)}
	}
	return nil
}

// sandboxLines prints what a command says as it comes.
func (c *console) sandboxLines(from io.Reader) error {
	lines := json.NewDecoder(from)
	for {
		var line struct {
			Stream  string          `json:"stream"`
			Data    []byte          `json:"data"`
			Result  *sandboxResult  `json:"result"`
			Problem json.RawMessage `json:"problem"`
		}
		if err := lines.Decode(&line); err != nil {
			return errors.New("the host stopped answering; the command may go on")
		}
		switch {
		case line.Problem != nil:
			if p := decodeProblem(line.Problem); p != nil {
				return p
			}
			return errors.New("the host failed")
		case line.Result != nil:
			return line.Result.ending()
		case line.Stream == "stderr":
			_, _ = c.err.Write(line.Data) // a closed pipe: there is nobody to tell
		default:
			_, _ = c.out.Write(line.Data) // as above
		}
	}
}

type sandboxRunCmd struct {
	sandboxArg
	Language string   `arg:"" enum:"python,node,bash" help:"python, node or bash."`
	File     string   `arg:"" help:"The program; - for standard input."`
	Package  []string `placeholder:"NAME" help:"Packages to install first."`
	Timeout  int      `default:"300" placeholder:"SECONDS" help:"It is ended after so long; 300 at most."`
}

// Run runs a program of a file.
func (c *sandboxRunCmd) Run(ctx context.Context, at *client, con *console) error {
	read := con.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return usageError("opening the program: %w", err)
		}
		defer func() { _ = f.Close() }() // only read
		read = f
	}
	code, err := io.ReadAll(io.LimitReader(read, 1<<20+1))
	if err != nil {
		return usageError("reading the program: %w", err)
	}
	in := map[string]any{"language": c.Language, "code": string(code), "timeout": c.Timeout}
	if len(c.Package) > 0 {
		in["packages"] = c.Package
	}
	r := post(in, "v1", "sandboxes", c.ID, "code")
	r.patience = longPatience
	var ending error
	err = show(ctx, at, con, r, func(v sandboxResult) {
		_, _ = io.WriteString(con.out, v.Stdout) // a closed pipe: there is nobody to tell
		_, _ = io.WriteString(con.err, v.Stderr) // as above
		if len(v.Files) > 0 {
			con.note("It made %s.", clean(strings.Join(v.Files, ", ")))
		}
		ending = v.ending()
	})
	return errors.Join(err, ending)
}

type sandboxLsCmd struct {
	sandboxArg
	Path      string `arg:"" optional:"" default:"/workspace" help:"The folder."`
	Recursive bool   `short:"R" help:"What is in its folders too."`
}

// Run lists files.
func (c *sandboxLsCmd) Run(ctx context.Context, at *client, con *console) error {
	type file struct {
		Path, Kind, Mode, Target string
		Size                     int64
		ModifiedAt               string `json:"modified_at"`
	}
	return showList(ctx, at, con, post(map[string]any{"path": c.Path, "recursive": c.Recursive}, "v1", "sandboxes", c.ID, "files", "list"), "There is nothing.",
		[]string{"MODE", "KIND", "SIZE", "MODIFIED", "PATH"}, func(f file) []string {
			return []string{f.Mode, f.Kind, strconv.FormatInt(f.Size, 10), f.ModifiedAt, f.Path}
		})
}

type sandboxCpCmd struct {
	From string `arg:"" help:"A file, or SANDBOX:PATH."`
	To   string `arg:"" help:"A file, or SANDBOX:PATH."`
}

// Run copies one file.
func (c *sandboxCpCmd) Run(ctx context.Context, at *client, con *console) error {
	from, fromPath, out := sandboxPath(c.From)
	to, toPath, in := sandboxPath(c.To)
	switch {
	case in && !out:
		return c.put(ctx, at, con, to, toPath)
	case out && !in:
		return c.get(ctx, at, con, from, fromPath)
	}
	return usageError("one of the two must be in a sandbox: SANDBOX:PATH")
}

func sandboxPath(arg string) (id, path string, ok bool) {
	id, path, ok = strings.Cut(arg, ":")
	return id, path, ok && strings.HasPrefix(id, "sbx_")
}

func (c *sandboxCpCmd) put(ctx context.Context, at *client, con *console, id, name string) error {
	f, err := os.Open(c.From)
	if err != nil {
		return usageError("opening the file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return usageError("%s is not a file", c.From)
	}
	if name == "" || strings.HasSuffix(name, "/") {
		name = path.Join(name, filepath.Base(c.From))
	}
	r := request{method: http.MethodPut, path: []string{"v1", "sandboxes", id, "files"}, query: query("path", name, "mode", fmt.Sprintf("%o", info.Mode().Perm())),
		body: f, length: info.Size(), patience: downloadPatience, header: http.Header{"Content-Type": {"application/octet-stream"}}}
	return show(ctx, at, con, r, func(struct{}) { con.note("%d bytes are copied.", info.Size()) })
}

func (c *sandboxCpCmd) get(ctx context.Context, at *client, con *console, id, name string) error {
	ctx, cancel := context.WithTimeout(ctx, downloadPatience)
	defer cancel()
	answer, err := at.send(ctx, get(query("path", name), "v1", "sandboxes", id, "files"))
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	if c.To == "-" {
		_, err := io.Copy(con.out, answer.Body)
		return err
	}
	to := c.To
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, path.Base(name))
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".patchbay-*")
	if err != nil {
		return usageError("making the file: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // renamed by then
	_, err = io.Copy(f, answer.Body)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("the file broke off: %w", err)
	}
	return os.Rename(f.Name(), to)
}
