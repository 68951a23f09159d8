package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
)

type adapterInstallCmd struct {
	File          string   `arg:"" help:"A pack, an adapter's program, or oci://HOST/NAME:TAG."`
	Version       string   `placeholder:"VERSION" help:"The version that it must have."`
	AllowUnsigned bool     `name:"allow-unsigned" help:"Install it though no pinned key signed it. Its status says so for ever, and it can be given no grants."`
	Grant         []string `placeholder:"GRANT" sep:"none" help:"Give a signed release more than its platforms' hosts: containers, egress:*, or runtime:/PATH. May stand several times."`
	DryRun        bool     `name:"dry-run" help:"Only show what would be installed."`
	Yes           bool     `short:"y" help:"Do not ask."`
}

// Help is the longer help.
func (adapterInstallCmd) Help() string {
	return `A pack is signed by its publisher, whose key you have pinned (patchbay adapter key add); a bare program is not signed. The host runs either once, confined and
without a way out, to hear what it is and which hosts it wants to reach; you see that before anything is stored. Installed releases lie in the
database, so that every host has them, and serve nothing until patchbay adapter activate.

    patchbay adapter install slack-1.3.0.pack
    patchbay adapter install oci://registry.example/adapters/slack:1.3.0
    patchbay adapter install ./my-adapter --version 1.0.0 --allow-unsigned`
}

type review struct {
	Adapter   string `json:"adapter"`
	Version   string `json:"version"`
	Trust     string `json:"trust"`
	Publisher string `json:"publisher"`
	Platforms []struct {
		ID    string   `json:"id"`
		Hosts []string `json:"hosts"`
	} `json:"platforms"`
	Releases []releaseView `json:"releases"`
	Grants   []string      `json:"grants"`
	Losses   []string      `json:"losses"`
	Refused  string        `json:"refused"`
}

// Run shows what a release would be allowed to do, asks where there is somebody to ask, and installs it.
func (c *adapterInstallCmd) Run(ctx context.Context, at *client, con *console) error {
	if strings.HasPrefix(c.File, ociPrefix) {
		path, err := fetchPack(ctx, c.File)
		if err != nil {
			return err
		}
		defer func() { _ = os.Remove(path) }() // a temporary file
		c.File = path
	}
	_, person := con.terminal()
	ask := person && !c.Yes && !con.json
	if c.DryRun || ask {
		shown := func(r review) { con.review(r) }
		r, err := c.request(true)
		if err == nil {
			err = show(ctx, at, con, r, shown)
		}
		if err != nil || c.DryRun {
			return err
		}
		if !con.confirm("Install it?") {
			return errors.New("nothing was installed")
		}
	}
	r, err := c.request(false)
	if err != nil {
		return err
	}
	return show(ctx, at, con, r, func(v review) {
		if !ask {
			con.review(v)
		}
		con.say("\n%s %s is installed. Next: patchbay adapter activate %s %s", clean(v.Adapter), clean(v.Version), clean(v.Adapter), clean(v.Version))
	})
}

// request makes the upload: the file goes out as it is read.
func (c *adapterInstallCmd) request(dryRun bool) (request, error) {
	f, err := os.Open(c.File)
	if err != nil {
		return request{}, usageError("opening the release: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		_ = f.Close() // nothing was read
		return request{}, usageError("reading the release: %w", err)
	}
	kind := "binary"
	var magic [2]byte
	if n, _ := f.ReadAt(magic[:], 0); n == 2 && magic == [2]byte{0x1f, 0x8b} {
		kind = "pack"
	}
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	fields := [][2]string{{"version", c.Version}, {"allow_unsigned", fmt.Sprint(c.AllowUnsigned)}, {"dry_run", fmt.Sprint(dryRun)}}
	for _, grant := range c.Grant {
		fields = append(fields, [2]string{"grant", grant})
	}
	for _, field := range fields {
		if field[1] != "" {
			err = errors.Join(err, form.WriteField(field[0], field[1]))
		}
	}
	_, fileErr := form.CreateFormFile(kind, "release")
	if err = errors.Join(err, fileErr); err != nil {
		_ = f.Close() // nothing was read
		return request{}, fmt.Errorf("making the upload: %w", err)
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	body := &upload{io.MultiReader(&head, f, strings.NewReader(tail)), f}
	return request{method: http.MethodPost, path: []string{"v1", "adapters", "-", "releases"}, body: body, length: int64(head.Len()) + info.Size() + int64(len(tail)),
		header: http.Header{"Content-Type": {form.FormDataContentType()}}, patience: longPatience}, nil
}

// upload is a body that closes its file.
type upload struct {
	io.Reader
	io.Closer
}

// review shows what a release is and would be allowed to do.
func (c *console) review(r review) {
	trust := r.Trust
	if r.Publisher != "" {
		trust += " by " + r.Publisher
	}
	c.pairs("adapter", r.Adapter, "version", r.Version, "trust", trust, "grants", strings.Join(r.Grants, ", "))
	for _, p := range r.Platforms {
		c.pairs("platform "+p.ID, "may reach "+firstOf(strings.Join(p.Hosts, ", "), "only the hosts that its integrations name"))
	}
	for _, file := range r.Releases {
		c.pairs("for "+file.OS+"/"+file.Arch, file.Digest)
	}
	for _, loss := range r.Losses {
		c.say("It would lose what is in use: %s", clean(loss))
	}
	if r.Refused != "" {
		c.say("%s", clean(r.Refused))
	}
}

// confirm asks a person for a yes.
func (c *console) confirm(question string) bool {
	c.ask("%s [y/N] ", question)
	line, _ := bufio.NewReader(c.in).ReadString('\n') // no answer is no
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}

// ask prints the beginning of a line that a person completes.
func (c *console) ask(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, format, args...) // as in say
}
