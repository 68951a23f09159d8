package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// scaffold holds the files of a new adapter, as templates of a [newAdapter].
//
//go:embed scaffold
var scaffold embed.FS

// sdkModule is the module that an adapter is built with.
const sdkModule = "github.com/patchbay/patchbay"

// adapterName is what a host takes as the name of an adapter and the id of a platform.
var adapterName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

type adapterNewCmd struct {
	Name    string `arg:"" help:"Its name, and the folder to make: small letters, digits and hyphens, such as my-crm."`
	Module  string `placeholder:"PATH" help:"The path of its Go module; example.com/NAME when left out."`
	Replace string `type:"existingdir" placeholder:"DIR" help:"Build it against this checkout of Patchbay. A checkout around the working folder is found by itself."`
}

// Help is the longer help.
func (adapterNewCmd) Help() string {
	return `Makes a folder with an adapter of one operation, its test, its README and a go.mod: it builds, passes patchbay adapter test, and waits for you to put your platform's
addresses and operations in.

    patchbay adapter new my-crm
    cd my-crm && go test ./...
    patchbay adapter dev`
}

// newAdapter is what the templates are filled with.
type newAdapter struct {
	Name, Title, Module string
	// SDK is the module of the SDK, and SDKVersion the version that is required.
	SDK, SDKVersion string
	// Checkout is the folder of the SDK's sources, or "": the module is fetched.
	Checkout string
}

// Replace answers the checkout as go.mod writes it.
func (a newAdapter) Replace() string {
	if a.Checkout == "" {
		return ""
	}
	return modfile.AutoQuote(a.Checkout)
}

// Run makes the folder.
func (c *adapterNewCmd) Run(ctx context.Context, con *console) error {
	a, err := c.plan()
	if err != nil {
		return err
	}
	if err := os.Mkdir(a.Name, 0o755); errors.Is(err, fs.ErrExist) {
		return usageError("%s is there already: choose another name, or move it away", a.Name)
	} else if err != nil {
		return usageError("making the folder: %w", err)
	}
	if err := a.write(a.Name); err != nil {
		return errors.Join(err, os.RemoveAll(a.Name)) // it was made above, so nobody else's files are in it
	}
	var incomplete error
	if a.Checkout != "" {
		incomplete = a.complete(ctx, a.Name)
	}
	if con.json {
		return con.value(map[string]any{"adapter": a.Name, "folder": a.Name, "module": a.Module, "replace": a.Checkout, "complete": a.Checkout != "" && incomplete == nil})
	}
	con.say("The adapter %s is in the folder %s. Next:", a.Name, a.Name)
	con.say("\n    cd %s", a.Name)
	switch {
	case incomplete != nil:
		con.note("Its go.mod is not complete: %s", cleanLines(incomplete.Error()))
		fallthrough
	case a.Checkout == "":
		if semver.Prerelease(a.SDKVersion) != "" {
			con.note("This patchbay is a build between releases, so %s %s may not be published: --replace DIR builds against a checkout.", sdkModule, a.SDKVersion)
		}
		con.say("    go mod tidy")
	}
	con.say("    go test ./...\n    patchbay adapter dev")
	return nil
}

// plan checks the arguments before anything is written.
func (c *adapterNewCmd) plan() (newAdapter, error) {
	if !adapterName.MatchString(c.Name) {
		return newAdapter{}, usageError("%q is no name of an adapter: begin with a small letter, and use small letters, digits and hyphens, 63 at most", c.Name)
	}
	a := newAdapter{Name: c.Name, Title: title(c.Name), Module: firstOf(c.Module, "example.com/"+c.Name), SDK: sdkModule, SDKVersion: firstOf(semver.Canonical("v"+version), "v0.0.0")}
	if err := module.CheckPath(a.Module); err != nil {
		return a, usageError("--module: %w", err)
	}
	checkout := c.Replace
	if checkout == "" {
		checkout = checkoutAround()
	} else if !isCheckout(checkout) {
		return a, usageError("%s is no checkout of Patchbay: its go.mod does not name %s", c.Replace, sdkModule)
	}
	if checkout == "" {
		return a, nil
	}
	path, err := filepath.Abs(checkout)
	if err != nil {
		return a, fmt.Errorf("finding the checkout: %w", err)
	}
	a.Checkout, a.SDKVersion = path, "v0.0.0" // a version that is replaced says nothing
	return a, nil
}

// title makes a name for people of an adapter's.
func title(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// checkoutAround answers the checkout that the working folder lies in, or "".
func checkoutAround() string {
	dir, err := os.Getwd()
	for err == nil && !isCheckout(dir) {
		if dir == filepath.Dir(dir) {
			return ""
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

func isCheckout(dir string) bool {
	raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && modfile.ModulePath(raw) == sdkModule
}

// write fills the templates into the folder.
func (a newAdapter) write(dir string) error {
	pages, err := template.ParseFS(scaffold, "scaffold/*.tmpl")
	if err != nil {
		return fmt.Errorf("reading the templates: %w", err)
	}
	for _, page := range pages.Templates() {
		var out bytes.Buffer
		if err := page.Execute(&out, a); err != nil {
			return fmt.Errorf("filling a template: %w", err)
		}
		name := strings.TrimSuffix(page.Name(), ".tmpl")
		if name == "gitignore" { // a name that go embed would leave out
			name = ".gitignore"
		}
		content := out.Bytes()
		if strings.HasSuffix(name, ".go") { // the width of a name decides how columns are aligned
			if content, err = format.Source(content); err != nil {
				return fmt.Errorf("formatting %s: %w", name, err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("writing the adapter: %w", err)
		}
	}
	return nil
}

// complete gives go.mod the modules that the SDK needs, at the checkout's versions and with its checksums, so that the adapter builds at once.
func (a newAdapter) complete(ctx context.Context, dir string) error {
	sums, err := os.ReadFile(filepath.Join(a.Checkout, "go.sum"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644)
	}
	if err != nil {
		return fmt.Errorf("copying the checksums: %w", err)
	}
	list := exec.CommandContext(ctx, "go", "list", "-mod=mod", "-deps", "-test", "./...")
	list.Dir = dir
	list.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := list.CombinedOutput(); err != nil {
		return fmt.Errorf("listing what it needs: %w\n%s", err, lastLines(out, 5))
	}
	return nil
}
