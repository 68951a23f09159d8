package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sandbox"
)

// machineTemplate is what every machine has: its own programs, read-only.
const machineTemplate = "system"

// template is what a new sandbox begins with: a folder of its own, FOLDER/templates/ID/rootfs, whose files belong to firstID.
type template struct {
	id    string
	lower []string
	// machine mounts the machine's /usr, read-only.
	machine bool
}

// templateOf finds a template, and makes the one of the machine itself.
func templateOf(folder, id string) (template, error) {
	if !idForm.MatchString(id) {
		return template{}, sdk.Invalid("/template", "%q is no name of a template", id)
	}
	root := filepath.Join(folder, "templates", id, "rootfs")
	if id == machineTemplate {
		if err := makeSkeleton(root); err != nil {
			return template{}, fmt.Errorf("making the template %s: %w", id, err)
		}
		return template{id: id, lower: []string{root}, machine: true}, nil
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return template{}, sdk.Invalid("/template", "there is no template %q on this machine", id)
	}
	return template{id: id, lower: []string{root}}, nil
}

// templates lists what is there.
func templates(folder string) []sandbox.Template {
	out := []sandbox.Template{{ID: machineTemplate, Description: "The machine's own programs in /usr, read-only, without /usr/local."}}
	entries, err := os.ReadDir(filepath.Join(folder, "templates"))
	if err != nil {
		return out // none was built
	}
	for _, e := range entries {
		if e.Name() == machineTemplate || !idForm.MatchString(e.Name()) {
			continue
		}
		t := sandbox.Template{ID: e.Name()}
		if raw, err := os.ReadFile(filepath.Join(folder, "templates", e.Name(), "description")); err == nil {
			t.Description = strings.TrimSpace(string(raw[:min(len(raw), 500)]))
		}
		if _, err := os.Stat(filepath.Join(folder, "templates", e.Name(), "rootfs")); err != nil {
			t.Missing = "its build was not finished"
		}
		out = append(out, t)
	}
	return out
}

// makeSkeleton makes the root folder around the machine's /usr. Of /etc it has only what programs need to start; nothing of the machine's users,
// names or settings.
func makeSkeleton(root string) error {
	if _, err := os.Stat(filepath.Join(root, "etc", "passwd")); err == nil {
		return nil
	}
	temporary, err := os.MkdirTemp(mustFolder(filepath.Dir(root)), "new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }() // renamed by then
	if err := fillSkeleton(temporary); err != nil {
		return err
	}
	if err := giveAway(temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, root); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// mustFolder makes a folder; what is done in it says what is wrong.
func mustFolder(path string) string {
	_ = os.MkdirAll(path, 0o711)
	return path
}

func fillSkeleton(root string) error {
	for _, dir := range []string{"usr", "etc/ssl/certs", "home", "root", "var/lib", "var/log", "var/tmp", "run", "opt", "srv", "mnt", "proc", "sys", "dev",
		"tmp", "workspace", ".patchbay"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64", "lib32"} {
		if _, err := os.Stat("/usr/" + name); err == nil {
			if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
				return err
			}
		}
	}
	for name, content := range map[string]string{
		"etc/passwd":          "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nuser:x:1000:1000:user:/workspace:/bin/bash\n",
		"etc/group":           "root:x:0:\ntty:x:5:\nnogroup:x:65534:\nuser:x:1000:\n",
		"etc/hosts":           "127.0.0.1 localhost " + hostName + "\n::1 localhost\n",
		"etc/hostname":        hostName + "\n",
		"etc/nsswitch.conf":   "passwd: files\ngroup: files\nhosts: files dns\n",
		"etc/resolv.conf":     "",
		"etc/os-release":      "",
		".patchbay/agent":     "",
		"etc/ld.so.conf":      "include /etc/ld.so.conf.d/*.conf\n",
		"etc/debian_version":  "",
		"etc/protocols":       "",
		"etc/services":        "",
		"etc/mime.types":      "",
		"etc/localtime":       "",
		"etc/inputrc":         "",
		"etc/bash.bashrc":     "PS1='sandbox:\\w\\$ '\n",
		"root/.bashrc":        "PS1='sandbox:\\w\\$ '\n",
		"etc/ssl/openssl.cnf": "",
	} {
		if content == "" {
			if raw, err := os.ReadFile("/" + name); err == nil && public[name] {
				content = string(raw)
			}
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"etc/ld.so.cache", "etc/ssl/certs/ca-certificates.crt"} {
		if raw, err := os.ReadFile("/" + name); err == nil {
			if err := os.WriteFile(filepath.Join(root, name), raw, 0o644); err != nil {
				return err
			}
		}
	}
	return copyLinks("/etc/alternatives", filepath.Join(root, "etc/alternatives"))
}

// copyLinks copies the links of a folder, where there is one.
func copyLinks(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return nil // another distribution
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(from, e.Name()))
		if err != nil {
			continue
		}
		if err := os.Symlink(target, filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// giveAway makes the files of a template those of its sandboxes' root.
func giveAway(root string) error {
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == root {
			if err := os.Chmod(root, 0o755); err != nil {
				return err
			}
		}
		return os.Lchown(path, firstID, firstID)
	})
}

// public are the files of /etc that say nothing of the machine but which distribution it has.
var public = map[string]bool{"etc/os-release": true, "etc/debian_version": true, "etc/protocols": true, "etc/services": true, "etc/mime.types": true,
	"etc/ssl/openssl.cnf": true}
