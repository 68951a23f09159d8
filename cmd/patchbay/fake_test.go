package main

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// goodToken is the one token that the fake host takes.
const goodToken = "pb_planted-token"

// fake answers as the REST API does, and remembers what it was sent.
type fake struct {
	mu       sync.Mutex
	requests []string
}

// seen answers the requests so far, one on a line: method, path, and the body, or the parts of a form.
func (f *fake) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.requests, "\n")
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := readBody(r)
	f.mu.Lock()
	f.requests = append(f.requests, fmt.Sprintf("%s %s as=%s key=%s accept=%s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Patchbay-User"),
		r.Header.Get("Idempotency-Key"), r.Header.Get("Accept"), body))
	f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+goodToken {
		problemAnswer(w, 401, `{"status":401,"code":"unauthenticated","detail":"The token is missing, wrong, expired or revoked.","request_id":"req_1"}`)
		return
	}
	f.routes(body).ServeHTTP(w, r)
}

// readBody answers a body as text; a form as the names and contents of its parts.
func readBody(r *http.Request) string {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		raw, _ := io.ReadAll(r.Body)
		return string(raw)
	}
	var parts []string
	form := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return strings.Join(parts, " ")
		}
		raw, _ := io.ReadAll(part)
		parts = append(parts, fmt.Sprintf("[%s|%s|%s|%s]", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), raw))
	}
}

func problemAnswer(w http.ResponseWriter, status int, document string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, document)
}

func says(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, document)
	}
}

const slackPlatform = `{"id":"slack","name":"Slack","description":"Chat \u001b[31mred","category":"communication","adapter":"slack","operation_count":1,
	"auth_methods":[{"type":"oauth2","label":"Sign in","fields":[]},
	{"type":"bearer","label":"Bot token","fields":[{"name":"token","label":"Bot token","secret":true,"required":true}]}],
	"operations":[{"name":"send_message","title":"Send a message","description":"Sends.","effect":"write","scopes":["chat:write"]}],"hosts":["slack.com"]}`

const serverPlatform = `{"id":"remote-server","name":"Remote Server","description":"SSH","category":"infrastructure","adapter":"remote-server","operation_count":1,
	"auth_methods":[{"type":"custom","label":"SSH","fields":[{"name":"host","label":"Host","required":true},
	{"name":"port","label":"Port","required":true,"default":"22"},{"name":"username","label":"User","required":true},
	{"name":"password","label":"Password","secret":true},
	{"name":"private_key","label":"Private key","secret":true,"multiline":true}]}],"operations":[]}`

const twoWays = `{"id":"twoways","name":"Two Ways","auth_methods":[
	{"type":"api_key","fields":[{"name":"api_key","required":true,"secret":true}]},
	{"type":"custom","fields":[{"name":"user","required":true},{"name":"pin","secret":true}]}]}`

const (
	team  = `{"id":"int_team","platform":"slack","label":"Team","auth_method":"bearer","status":"active","account":{"id":"T1","name":"Acme"},"scopes":["chat:write"],"fields":{},"last_used_at":null}`
	web1  = `{"id":"int_web1","platform":"remote-server","label":"web","auth_method":"custom","status":"active","account":{"name":"root@web1"},"fields":{"host":"web1"}}`
	web2  = `{"id":"int_web2","platform":"remote-server","label":"WEB","auth_method":"custom","status":"active","account":{"name":"root@web2"},"fields":{"host":"web2"}}`
	gone  = `{"id":"int_gone","platform":"slack","label":"Gone","auth_method":"bearer","status":"deleted"}`
	nodes = `{"items":[{"name":"slack","desired":{"version":"1.0.0"},"platforms":["slack"],"hosts":[{"host":"host_1","version":"1.0.0","state":"running","pid":42,"restarts":0,"confinement":"full","in_flight":0}]}],"next_cursor":null}`
)

// routes are the answers of the fake.
func (f *fake) routes(body string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problemAnswer(w, 404, `{"status":404,"code":"not_found","detail":"There is no such thing."}`)
	})
	mux.Handle("GET /v1/me", says(`{"id":"usr_1","name":"operator","role":"operator","scopes":["calls"]}`))
	mux.HandleFunc("GET /v1/platforms", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("query") == "nothing" {
			says(`{"items":[],"next_cursor":null}`)(w, r)
			return
		}
		says(`{"items":[`+slackPlatform+`],"next_cursor":null}`)(w, r)
	})
	mux.HandleFunc("GET /v1/platforms/nosuch", func(w http.ResponseWriter, _ *http.Request) {
		problemAnswer(w, 404, `{"status":404,"code":"platform_not_found","detail":"There is no platform \"nosuch\"."}`)
	})
	mux.Handle("GET /v1/platforms/slack", says(slackPlatform))
	mux.Handle("GET /v1/platforms/remote-server", says(serverPlatform))
	mux.Handle("GET /v1/platforms/twoways", says(twoWays))
	mux.Handle("GET /v1/platforms/slack/operations/send_message", says(`{"name":"send_message","title":"Send a message","effect":"write","input_schema":{"type":"object"},"output_schema":null}`))
	mux.Handle("PUT /v1/platforms/slack/settings", says(`{"base_url":"","allow_private_network":true,"allowed_cidrs":[],"min_tls_version":"1.3","enabled":true,"oauth":{"has_client_secret":true}}`))
	mux.HandleFunc("GET /v1/integrations", listIntegrations)
	for _, i := range []struct{ id, document string }{{"int_team", team}, {"int_web1", web1}, {"int_gone", gone}} {
		mux.Handle("GET /v1/integrations/"+i.id, says(i.document))
		mux.Handle("/v1/integrations/"+i.id+"/{verb}", says(i.document))
		mux.Handle("PATCH /v1/integrations/"+i.id, says(i.document))
		mux.Handle("DELETE /v1/integrations/"+i.id, says(i.document))
	}
	mux.Handle("GET /v1/integrations/int_hidden", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problemAnswer(w, 403, `{"status":403,"code":"forbidden","detail":"This needs the scope integrations."}`)
	}))
	mux.HandleFunc("POST /v1/integrations", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(body, "refused-value") {
			problemAnswer(w, 409, `{"status":409,"code":"auth_revoked","detail":"Slack refused the token.","request_id":"req_2","platform_code":"invalid_auth","platform_status":200}`)
			return
		}
		says(team)(w, r)
	})
	mux.HandleFunc("POST /v1/calls", func(w http.ResponseWriter, r *http.Request) { answerCall(w, r, body) })
	mux.Handle("GET /v1/calls/call_1/files/file_1", says("the content"))
	mux.Handle("GET /v1/calls/call_1/files/file_2", says(`{"large":true}`))
	record := `{"id":"call_1","integration":"int_team","label":"Team","platform":"slack","operation":"send_message","effect":"write","kind":"ok","started_at":"2020-01-02T03:04:05Z","duration_ms":12.5,"attempts":1,"bytes_in":10,"bytes_out":2000,"usage":{"tokens":7}}`
	mux.Handle("GET /v1/calls", says(`{"items":[`+record+`],"next_cursor":"call_1"}`))
	mux.Handle("GET /v1/calls/call_1", says(record))
	mux.Handle("GET /v1/usage", says(`{"items":[{"group":"slack","calls":4,"errors":1,"duration_ms":48,"latency_ms":{"p50":12,"p95":20},"cost_usd":1.5,"bytes_in":1,"bytes_out":2}],"next_cursor":null}`))
	webhooks(mux)
	f.operator(mux, body)
	return mux
}

// webhooks adds what is asked about webhooks and events.
func webhooks(mux *http.ServeMux) {
	hook := `{"id":"whk_1","url":"https://example.com/hook","types":["integration.*"],"description":"d","enabled":true,"all_users":false,"failing_since":"2020-01-02T03:04:05Z","created_at":"2020-01-02T03:04:05Z"}`
	told := `{"id":"whk_1","types":["*"],"enabled":true,"secret":"whsec_told"}`
	happened := `{"id":"evt_1","type":"webhook.test","subject":"whk_1","data":{"reason":"because \u001b[2J"},"created_at":"2020-01-02T03:04:05Z"}`
	mux.Handle("GET /v1/webhooks", says(`{"items":[`+hook+`],"next_cursor":null}`))
	mux.Handle("POST /v1/webhooks", says(told))
	mux.Handle("GET /v1/webhooks/whk_1", says(hook))
	mux.Handle("PATCH /v1/webhooks/whk_1", says(hook))
	mux.HandleFunc("DELETE /v1/webhooks/whk_1", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("POST /v1/webhooks/whk_1/rotate-secret", says(told))
	mux.Handle("POST /v1/webhooks/whk_1/test", says(happened))
	mux.Handle("GET /v1/webhooks/whk_1/deliveries", says(`{"items":[{"event":"evt_1","type":"webhook.test","state":"pending","attempts":2,"next_attempt_at":"2020-01-02T03:04:05Z","last_error":"it answered 500"}],"next_cursor":"evt_1"}`))
	mux.Handle("POST /v1/events/evt_1/replay", says(`{"deliveries":2}`))
	mux.Handle("GET /v1/events", says(`{"items":[`+happened+`],"next_cursor":null}`))
}

// operator adds what operators ask for.
func (f *fake) operator(mux *http.ServeMux, body string) {
	tokens := `{"id":"tok_1","user":"usr_1","name":"ci","scopes":["calls"],"created_at":"2020-01-02T03:04:05Z","expires_at":null}`
	mux.Handle("GET /v1/tokens", says(`{"items":[`+tokens+`],"next_cursor":null}`))
	mux.Handle("POST /v1/tokens", says(`{"id":"tok_1","scopes":["calls"],"token":"pb_new"}`))
	mux.HandleFunc("DELETE /v1/tokens/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /v1/users", says(`{"items":[{"id":"usr_1","name":"operator","role":"operator","created_at":"2020-01-02T03:04:05Z"}],"next_cursor":null}`))
	mux.Handle("POST /v1/users", says(`{"id":"usr_2","name":"ann","role":"user"}`))
	mux.Handle("POST /v1/users/{id}/signin-link", says(`{"url":"http://127.0.0.1/signin?link=abc","expires_at":"2020-01-02T03:04:05Z"}`))
	mux.Handle("GET /v1/keys", says(`{"items":[{"id":"key_1","state":"primary","origin":"keys.json","created_at":"2020-01-02T03:04:05Z","rows":3,"hosts_missing":[]}],"next_cursor":null}`))
	mux.Handle("POST /v1/keys/rotate", says(`{"id":"key_2","state":"pending","hosts_missing":["host_2"],"next":"Copy keys.json."}`))
	mux.HandleFunc("POST /v1/keys/key_1/retire", func(w http.ResponseWriter, _ *http.Request) {
		problemAnswer(w, 409, `{"status":409,"code":"key_in_use","detail":"3 rows hang on it."}`)
	})
	mux.Handle("GET /v1/audit", says(`{"items":[{"at":"2020-01-02T03:04:05Z","actor":"usr_1","action":"user.create","subject":"usr_2","detail":{"role":"user"}}],"next_cursor":null}`))
	mux.Handle("POST /v1/audit/verify", says(`{"ok":false,"chains":[{"chain":"host_1","records":9,"ok":false,"problem":"record 4 was changed"}]}`))
	mux.Handle("GET /v1/hosts", says(`{"items":[{"id":"host_1","name":"box","address":"127.0.0.1:1","version":"1","started_at":"2020-01-02T03:04:05Z","heartbeat_at":"2020-01-02T03:04:05Z","self":true}],"next_cursor":null}`))
	mux.Handle("GET /v1/adapters", says(nodes))
	f.releases(mux, body)
}

// releases adds what operators do with adapters.
func (f *fake) releases(mux *http.ServeMux, body string) {
	mux.HandleFunc("POST /v1/adapters/-/releases", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(body, "[pack|release|") && !strings.Contains(body, "[allow_unsigned|||true]") {
			problemAnswer(w, 422, `{"status":422,"code":"validation_failed","detail":"No pinned key signed it."}`)
			return
		}
		says(`{"adapter":"names","version":"1.0.0","trust":"unsigned","grants":["egress:*","runtime:/usr/lib"],"platforms":[{"id":"names","hosts":["api.names.example"]}],
			"losses":["names.search is gone\u001b[2J"],"releases":[{"os":"linux","arch":"amd64","digest":"sha256:00","size":1}]}`)(w, r)
	})
	desired := `{"version":"1.0.0","canary":"","share":0,"pinned":true,"disabled":false,"revision":0}`
	mux.Handle("POST /v1/adapters/slack/activate", says(desired))
	mux.Handle("POST /v1/adapters/slack/rollback", says(`{"version":"0.9.0","pinned":true,"disabled":false,"revision":0}`))
	mux.HandleFunc("POST /v1/adapters/lossy/activate", func(w http.ResponseWriter, _ *http.Request) {
		problemAnswer(w, 409, `{"status":409,"code":"conflict","detail":"Release 2.0.0 of lossy loses what is in use."}`)
	})
	mux.Handle("POST /v1/adapters/slack/enable", says(desired))
	mux.Handle("GET /v1/adapters/slack/releases", says(`{"items":[{"version":"1.0.0","os":"linux","arch":"amd64","digest":"sha256:00112233445566778899","size":1000,"trust":"signed","publisher":"me","grants":["egress:*"],"created_at":"2020-01-02T03:04:05Z","failed_at":"2020-01-02T03:04:05Z","failed_reason":"it crashed"}],"next_cursor":null}`))
	mux.Handle("GET /v1/adapter-events", says(`{"items":[{"adapter":"slack","version":"1.0.0","kind":"rolled_back","host":"host_1","actor":"host","detail":"it crashed","at":"2020-01-02T03:04:05Z"}],"next_cursor":null}`))
	mux.Handle("GET /v1/adapter-keys", says(`{"items":[{"id":"AB","name":"me","public_key":"RWQ","created_at":"2020-01-02T03:04:05Z"}],"next_cursor":null}`))
	mux.Handle("POST /v1/adapter-keys", says(`{"id":"AB","name":"me","public_key":"RWQ","created_at":"2020-01-02T03:04:05Z"}`))
	mux.HandleFunc("DELETE /v1/adapter-keys/me", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
}

// listIntegrations answers two pages, so that a label on the second has to be found.
func listIntegrations(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var all []string
	for _, document := range []string{team, web1, web2, gone} {
		var i integration
		_ = json.Unmarshal([]byte(document), &i)
		status := q.Get("status")
		if (q.Get("platform") == "" || q.Get("platform") == i.Platform) && (status == i.Status || (status == "" && i.Status != "deleted")) {
			all = append(all, document)
		}
	}
	if q.Get("cursor") == "" && len(all) > 1 {
		says(`{"items":[`+all[0]+`],"next_cursor":"page2"}`)(w, r)
		return
	}
	if q.Get("cursor") != "" {
		all = all[1:]
	}
	says(`{"items":[`+strings.Join(all, ",")+`],"next_cursor":null}`)(w, r)
}

// answerCall answers by what the input asks for.
func answerCall(w http.ResponseWriter, r *http.Request, body string) {
	switch {
	case strings.Contains(body, "rate-limited"):
		w.Header().Set("Retry-After", "7")
		problemAnswer(w, 429, `{"status":429,"code":"rate_limited","detail":"Slack is busy.","request_id":"req_3","call":"call_9"}`)
	case strings.Contains(body, "invalid"):
		problemAnswer(w, 422, `{"status":422,"code":"validation_failed","detail":"The input is not valid.","errors":[{"pointer":"/channel","detail":"is required"},{"pointer":"/text","detail":"must be text \u001b[2J"}]}`)
	case strings.Contains(body, "denied"):
		problemAnswer(w, 403, `{"status":403,"code":"permission_denied","detail":"A scope is missing.","missing_scopes":["chat:write"]}`)
	case strings.Contains(body, "broken-connection"):
		panic(http.ErrAbortHandler)
	case strings.Contains(body, "proxy-page"):
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>pb_planted-page</html>")
	case strings.Contains(body, "elsewhere"):
		http.Redirect(w, r, "https://elsewhere.example/v1/calls?x=pb_planted-query", http.StatusTemporaryRedirect)
	case strings.Contains(r.Header.Get("Accept"), "event-stream"):
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": hello\n\nevent: progress\ndata: {\"message\":\"half \\u001b[2J\",\"fraction\":0.5}\n\nevent: delta\ndata: {\"text\":\"a\"}\n\n")
		switch {
		case strings.Contains(body, "cut-stream"):
		case strings.Contains(body, "failing-stream"):
			_, _ = io.WriteString(w, "event: error\ndata: {\"status\":502,\"code\":\"platform_error\",\"detail\":\"It broke.\"}\n\n")
		default:
			_, _ = io.WriteString(w, "event: result\ndata: {\"id\":\"call_1\",\"output\":{\"done\":true},\"files\":[]}\n\n")
		}
	case strings.Contains(body, "with-files"):
		says(`{"id":"call_1","output":{"n":1},"files":[{"id":"file_1","name":"../../.evil\u001b.txt","media_type":"text/plain","size":11,"url":"http://127.0.0.1:1/v1/calls/call_1/files/file_1?signature=x"}],"attempts":1}`)(w, r)
	case strings.Contains(body, "large-output"):
		says(`{"id":"call_1","output":null,"output_file":"file_2","files":[{"id":"file_2","name":"output.json","media_type":"application/json","size":14}]}`)(w, r)
	default:
		says(`{"id":"call_1","output":{"ok":true},"files":[],"attempts":1,"duration_ms":3}`)(w, r)
	}
}

// elsewhere is a server that is no host.
func elsewhere() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
}
