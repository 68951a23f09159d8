package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// defaultURL is where a host listens when nothing else is said.
const defaultURL = "http://127.0.0.1:7450"

// location is a host and the token for it.
type location struct {
	url, token, caFile string
	// from says where they were found, for errors.
	from string
}

// finder finds the host that a command speaks to. A token goes only to the host that it was given for.
type finder struct {
	flags *connection
	// home is the user's home, stored the file that login wrote.
	home, stored string
}

func newFinder(flags *connection) (*finder, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("finding your home folder: %w", err)
	}
	stored, err := credentialsPath()
	if err != nil {
		return nil, err
	}
	return &finder{flags: flags, home: home, stored: stored}, nil
}

// find looks in this order: flags and environment, the data folder of a host on this machine, what login stored.
func (f *finder) find() (location, error) {
	found := location{url: strings.TrimRight(f.flags.URL, "/"), token: strings.TrimSpace(f.flags.Token), caFile: f.flags.CAFile,
		from: "--url or PATCHBAY_URL"}
	stored, err := readCredentials(f.stored)
	if found.url == "" || found.token == "" {
		if err != nil {
			return found, err
		}
		local, err := f.local()
		if err != nil {
			return found, err
		}
		found = found.complete(local, stored)
	}
	if found.url == stored.URL && found.caFile == "" {
		found.caFile = stored.CAFile
	}
	if found.url == "" {
		return found, forbiddenError("no host is known: start one here with `patchbay serve`, or sign in to another with `patchbay login URL`")
	}
	if err := checkURL(found.url); err != nil {
		return found, err
	}
	if found.token == "" {
		return found, forbiddenError("there is no token for %s: sign in with `patchbay login %s`, or set PATCHBAY_TOKEN", found.url, found.url)
	}
	return found, nil
}

// complete fills in what flags and environment left out.
func (l location) complete(local location, stored credentials) location {
	switch {
	case l.url != "":
		l.token = tokenFor(l.url, local, stored)
	case l.token != "":
		l.url = firstOf(local.url, stored.URL, defaultURL)
		l.from = firstOf(local.from, "the default; --url names another")
	case local.token != "":
		l.url, l.token, l.from = local.url, local.token, local.from
	default:
		l.url, l.token, l.from = stored.URL, stored.Token, "patchbay login"
	}
	return l
}

// tokenFor answers the token that belongs to a URL, or "". The operator's token is for the host's own address, or this machine.
func tokenFor(at string, local location, stored credentials) string {
	switch {
	case at == local.url:
		return local.token
	case at == stored.URL:
		return stored.Token
	case isLoopback(at):
		return local.token
	}
	return ""
}

// local answers the host whose data folder is on this machine, or nothing.
func (f *finder) local() (location, error) {
	if f.flags.Data != "" {
		return readFolder(expandHome(f.flags.Data, f.home), readSecret)
	}
	// A folder that merely lies where the command runs may have been planted: it can only lead to this machine.
	for _, folder := range []string{f.flags.fileData, ".patchbay"} {
		if folder == "" {
			continue
		}
		found, err := readFolder(expandHome(folder, f.home), readPrivate)
		if err != nil {
			return found, err
		}
		if found.token != "" && !isLoopback(found.url) {
			return found, forbiddenError("the host of %s is not on this machine's loopback; if you trust the folder, set PATCHBAY_DATA=%s", folder, folder)
		}
		if found.token != "" {
			return found, nil
		}
	}
	return readFolder(filepath.Join(f.home, ".patchbay"), readPrivate)
}

// readFolder reads the operator's token and the address that a host left in its data folder; without a token it answers nothing.
func readFolder(folder string, read func(path string) ([]byte, error)) (location, error) {
	token, err := read(filepath.Join(folder, "operator.token"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return location{}, nil
	}
	if err != nil {
		return location{}, fmt.Errorf("reading the operator's token: %w", err)
	}
	address, err := read(filepath.Join(folder, "address"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return location{}, fmt.Errorf("reading the host's address: %w", err)
	}
	at := strings.TrimRight(strings.TrimSpace(string(address)), "/")
	return location{url: firstOf(at, defaultURL), token: strings.TrimSpace(string(token)), from: folder}, nil
}

// checkURL refuses addresses at which a token would travel in the clear or that are no address of a host.
func checkURL(at string) error {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return usageError("the host's address must look like https://patchbay.example.com")
	}
	if u.Scheme == "http" && !isLoopback(at) {
		return usageError("%s would send your token unencrypted: use https://", at)
	}
	return nil
}

// isLoopback says whether a URL leads to this machine.
func isLoopback(at string) bool {
	u, err := url.Parse(at)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// expandHome replaces a leading ~/, which shells leave alone behind an equals sign.
func expandHome(path, home string) string {
	if path == "~" {
		return home
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	return path
}
