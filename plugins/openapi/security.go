package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// scheme is a security scheme that accounts can be connected by.
type scheme struct {
	name, kind string // kind is apiKey, basic, bearer, oauth2 or openIdConnect
	in, key    string // of apiKey
	def        object
	help       string
}

// readSchemes reads the document's security schemes, those that the operator named or all that can be used.
func (d *document) readSchemes() {
	declared := obj(d.root["securityDefinitions"])
	if !d.old {
		declared = obj(obj(d.root["components"])["securitySchemes"])
	}
	for _, name := range keys(declared) {
		if len(d.order.Auth) > 0 && !contains(d.order.Auth, name) {
			continue
		}
		s, problem := d.scheme(name, d.resolve(declared[name]))
		if problem != "" {
			d.note("", "security scheme %q: %s", cutText(name, 100), problem)
			continue
		}
		d.schemes = append(d.schemes, s)
	}
	for _, name := range d.order.Auth {
		if declared[name] == nil {
			d.note("", "there is no security scheme %q; there are: %s", cutText(name, 100), cutText(strings.Join(keys(declared), ", "), 300))
		}
	}
}

func (d *document) scheme(name string, def object) (scheme, string) {
	s := scheme{name: name, def: def, help: cutText(text(def["description"]), 1000)}
	switch strings.ToLower(text(def["type"])) {
	case "apikey":
		s.kind, s.in, s.key = "apiKey", strings.ToLower(text(def["in"])), text(def["name"])
		if s.key == "" || s.in != "header" && s.in != "query" && s.in != "cookie" {
			return s, "it does not say where the key goes"
		}
		if s.in != "query" && !headerName(s.key) {
			return s, "its key has no name that a header can have"
		}
	case "basic":
		s.kind = "basic"
	case "http":
		switch way := strings.ToLower(text(def["scheme"])); way {
		case "basic", "bearer":
			s.kind = way
		default:
			return s, fmt.Sprintf("the HTTP scheme %q cannot be used", cutText(way, 50))
		}
	case "oauth2":
		s.kind = "oauth2"
	case "openidconnect":
		s.kind = "openIdConnect"
	default:
		return s, fmt.Sprintf("the type %q cannot be used", cutText(text(def["type"]), 50))
	}
	return s, ""
}

// requirement answers the alternatives by which an operation or the document may be called: sets of schemes. known is false where it
// does not say.
func requirement(v any) (sets []object, known bool) {
	alternatives, ok := v.([]any)
	if !ok {
		return nil, false
	}
	for _, a := range alternatives {
		if set := obj(a); set != nil {
			sets = append(sets, set)
		}
	}
	return sets, true
}

// methods makes the auth methods of the schemes, with where their fields go.
func (d *document) methods(operations []*operation) ([]sdk.AuthMethod, map[string][]credentialPlace) {
	places := map[string][]credentialPlace{}
	var out []sdk.AuthMethod
	take := func(m sdk.AuthMethod, where ...credentialPlace) {
		if _, there := places[m.Type]; there {
			d.note("", "there are several ways to connect by %s; the first one is used, --auth names another", m.Type)
			return
		}
		places[m.Type] = where
		out = append(out, m)
	}
	for _, set := range d.combinations(operations) {
		m, where := combined(set)
		take(m, where...)
	}
	for _, s := range d.schemes {
		switch s.kind {
		case "apiKey":
			m := sdk.APIKey(or(s.help, fmt.Sprintf("The key that the platform takes in the %s %s.", s.in, s.key)))
			take(m, credentialPlace{In: s.in, Name: s.key, Field: "api_key"})
		case "bearer":
			take(sdk.Bearer("Token", or(s.help, "The token that the platform takes in the Authorization header.")), credentialPlace{In: "bearer", Field: "token"})
		case "basic":
			take(sdk.AuthMethod{Type: sdk.MethodCustom, Label: "User name and password", Help: or(s.help, "The user name and the password, or what the platform wants in their place."),
				Fields: []sdk.Field{{Name: "username", Label: "User name", Required: true}, {Name: "password", Label: "Password", Secret: true}}}, credentialPlace{In: "basic"})
		case "oauth2", "openIdConnect":
			take(d.oauth2(s, operations), credentialPlace{In: "bearer", Field: "access_token"})
			take(sdk.Bearer("Access token", "An access token that you have already."), credentialPlace{In: "bearer", Field: "token"})
		}
	}
	if len(out) == 0 || slices.ContainsFunc(operations, func(op *operation) bool { return op.open }) {
		take(sdk.AuthMethod{Type: sdk.MethodNone, Label: "Nothing to connect", Help: "Operations that need no account can be run at once."})
	}
	return out, places
}

// combinations answers the sets of several schemes that operations need at once, each once.
func (d *document) combinations(operations []*operation) [][]scheme {
	var out [][]scheme
	seen := map[string]bool{}
	for _, op := range operations {
		for _, set := range op.security {
			names := keys(set)
			if len(names) < 2 || seen[strings.Join(names, "\n")] {
				continue
			}
			seen[strings.Join(names, "\n")] = true
			var members []scheme
			for _, name := range names {
				if i := slices.IndexFunc(d.schemes, func(s scheme) bool { return s.name == name }); i >= 0 && d.schemes[i].kind != "oauth2" {
					members = append(members, d.schemes[i])
				}
			}
			if len(members) == len(names) {
				out = append(out, members)
			}
		}
	}
	return out
}

// combined makes one method of several schemes.
func combined(set []scheme) (sdk.AuthMethod, []credentialPlace) {
	m := sdk.AuthMethod{Type: sdk.MethodCustom, Label: "Several keys", Help: "The platform takes these together."}
	var places []credentialPlace
	for _, s := range set {
		field := snake(s.name)
		if field == "" || len(field) > 40 {
			field = marked("key", s.name, "")
		}
		if s.kind == "basic" {
			m.Fields = append(m.Fields, sdk.Field{Name: "username", Label: "User name", Required: true}, sdk.Field{Name: "password", Label: "Password", Secret: true})
			places = append(places, credentialPlace{In: "basic"})
			continue
		}
		place := credentialPlace{In: s.in, Name: s.key, Field: field}
		if s.kind != "apiKey" {
			place = credentialPlace{In: "bearer", Field: field}
		}
		m.Fields = append(m.Fields, sdk.Field{Name: field, Label: cutText(s.name, 100), Help: s.help, Secret: true, Required: true})
		places = append(places, place)
	}
	return m, places
}

// maxAsked bounds the scopes that are asked for without an operator's word.
const maxAsked = 50

// oauth2 makes the provider of a scheme.
func (d *document) oauth2(s scheme, operations []*operation) sdk.AuthMethod {
	o := &sdk.OAuth2{}
	flows := obj(s.def["flows"])
	if d.old {
		flows = object{map[string]string{"accessCode": "authorizationCode", "application": "clientCredentials"}[text(s.def["flow"])]: s.def}
		if text(s.def["flow"]) == "implicit" {
			flows = object{"implicit": s.def}
		}
	}
	code, implicit := obj(flows["authorizationCode"]), obj(flows["implicit"])
	o.AuthorizationURL = d.endpoint(or(text(code["authorizationUrl"]), text(implicit["authorizationUrl"])))
	o.TokenURL, o.RevocationURL = d.endpoint(text(code["tokenUrl"])), ""
	if client := obj(flows["clientCredentials"]); client != nil {
		o.Grants, o.TokenURL = append(o.Grants, "client_credentials"), or(o.TokenURL, d.endpoint(text(client["tokenUrl"])))
	}
	if device := obj(flows["deviceAuthorization"]); device != nil {
		o.Grants, o.TokenURL = append(o.Grants, "device_code"), or(o.TokenURL, d.endpoint(text(device["tokenUrl"])))
		o.DeviceAuthorizationURL = d.endpoint(text(device["deviceAuthorizationUrl"]))
	}
	if o.TokenURL == "" {
		d.note("", "security scheme %q: the document does not say where tokens are had; an operator says it with `patchbay platform set %s --authorization-url URL --token-url URL`",
			cutText(s.name, 100), d.order.Platform)
	}
	for _, op := range operations {
		for _, scope := range op.wanted(s.name) {
			if !contains(o.Scopes, scope) {
				o.Scopes = append(o.Scopes, scope)
			}
		}
	}
	if len(o.Scopes) > maxAsked {
		d.note("", "its operations need %d scopes together, more than can be asked for at once; an operator names those that are wanted with `patchbay platform set %s --scope SCOPE`",
			len(o.Scopes), d.order.Platform)
		o.Scopes = nil
	}
	slices.Sort(o.Scopes)
	return sdk.AuthMethod{Type: sdk.MethodOAuth2, Label: "Sign in", Help: or(s.help, "Sign in at the platform. An operator of this host registers a client there first."), OAuth2: o}
}

// endpoint answers the address of a provider, or "" where it is none that a secret may be sent to.
func (d *document) endpoint(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err == nil && u.Host == "" {
		base := d.order.Location
		if len(d.servers) > 0 {
			base = d.servers[0] + "/"
		}
		if b, baseErr := url.Parse(base); baseErr == nil && b.Host != "" {
			u = b.ResolveReference(u)
		}
	}
	if err != nil || u.Scheme != "https" || !plainHost(u) || u.User != nil || len(address) > 1000 {
		d.note("", "the provider's address %q is no https:// address and was left out", cutText(address, 200))
		return ""
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

// authorize puts a credential on a request.
func (p platformPlan) authorize(req *http.Request, c sdk.Credential) {
	for _, place := range p.Methods[c.Method] {
		value := c.Field(place.Field)
		switch place.In {
		case "basic":
			req.SetBasicAuth(c.Field("username"), c.Field("password"))
		case "bearer":
			req.Header.Set("Authorization", "Bearer "+value)
		case "header":
			req.Header.Set(place.Name, value)
		case "cookie":
			addCookie(req.Header, place.Name, value)
		case "query":
			separator := ""
			if req.URL.RawQuery != "" {
				separator = "&"
			}
			address := *req.URL // the request before it has the same one
			address.RawQuery += separator + url.QueryEscape(place.Name) + "=" + url.QueryEscape(value)
			req.URL = &address
		}
	}
}

// headerName says whether a text can be the name of a header.
func headerName(s string) bool {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return false
		}
	}
	return s != ""
}
