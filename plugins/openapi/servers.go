package main

import (
	"net"
	"net/url"
	"regexp"
	"strings"
)

var (
	serverVariable = regexp.MustCompile(`\{([^{}]+)\}`)
	hostName       = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?$`)
)

// serversOf answers the addresses that a document, a path or an operation declares, in their order: https:// without a trailing slash.
func (d *document) serversOf(place string, o object) []string {
	var out []string
	for _, declared := range d.declaredServers(o) {
		address, problem := d.serverAddress(declared)
		if problem != "" {
			d.note(place, "server %q: %s", cutText(text(declared["url"]), 200), problem)
		}
		if address != "" {
			out = append(out, address)
		}
	}
	return out
}

func (d *document) declaredServers(o object) []object {
	if !d.old {
		var out []object
		for _, s := range list(o["servers"]) {
			if server := obj(s); server != nil {
				out = append(out, server)
			}
		}
		return out
	}
	host := text(o["host"])
	if host == "" && text(o["basePath"]) == "" {
		return nil
	}
	if host == "" {
		return []object{{"url": text(o["basePath"])}}
	}
	scheme := "https"
	if schemes := texts(o["schemes"]); len(schemes) > 0 && !contains(schemes, "https") {
		scheme = "http"
	}
	return []object{{"url": scheme + "://" + host + "/" + strings.Trim(text(o["basePath"]), "/")}}
}

// serverAddress fills in the defaults of an address and makes it whole, or says what is wrong with it; both, where it could be put right.
func (d *document) serverAddress(server object) (address, problem string) {
	variables := obj(server["variables"])
	missing := ""
	raw := serverVariable.ReplaceAllStringFunc(strings.TrimSpace(text(server["url"])), func(place string) string {
		name := strings.Trim(place, "{}")
		v := obj(variables[name])
		value := text(v["default"])
		if value == "" {
			if choices := texts(v["enum"]); len(choices) > 0 {
				value = choices[0]
			}
		}
		if _, declared := v["default"]; value == "" && !declared {
			missing = name
		}
		return value
	})
	if missing != "" {
		return "", "it needs a value for " + missing + ": give the base URL with --base-url"
	}
	u, err := url.Parse(raw)
	if err == nil && u.Host == "" {
		base, baseErr := url.Parse(d.order.Location)
		if baseErr != nil || base.Host == "" {
			return "", "it is relative, and the document came from no address: give the base URL with --base-url"
		}
		u = base.ResolveReference(u)
	}
	if err != nil || !plainHost(u) {
		return "", "it is no address"
	}
	u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
	switch u.Scheme {
	case "http", "":
		u.Scheme, problem = "https", "it is plain http:// and was read as https://; an operator may set another base URL"
		if u.Port() == "80" {
			u.Host = u.Hostname()
		}
	case "https":
	default:
		return "", "it is neither http:// nor https://"
	}
	return strings.TrimRight(u.String(), "/"), problem
}

func plainHost(u *url.URL) bool {
	host := u.Hostname()
	return len(host) <= 253 && (hostName.MatchString(host) || net.ParseIP(host) != nil && !strings.Contains(host, "%"))
}

// hostsOf answers the hosts of addresses, each once, as a platform declares them.
func hostsOf(addresses []string) []string {
	var out []string
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil && !contains(out, u.Host) {
			out = append(out, u.Host)
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}
