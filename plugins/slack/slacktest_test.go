package main

import (
	"testing"

	"github.com/slack-go/slack/slacktest"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// slacktest is the server double of the slack-go library: it reads the forms of messages (blocks must be JSON text that the library
// takes) and answers without a content type that says JSON.
func TestAgainstSlacktest(t *testing.T) {
	server := slacktest.NewTestServer()
	server.Start()
	t.Cleanup(server.Stop)
	h := sdktest.Start(t, adapter())

	type in = map[string]any
	tests := []struct {
		operation string
		input     any
		want      func(map[string]any) bool
	}{
		{"send_message", in{"channel": "C123", "text": "a & b <c> \"d\" é", "blocks": []in{{"type": "divider"}}}, func(out map[string]any) bool {
			return out["channel"] == "C123" && out["ts"] != ""
		}},
		{"post_ephemeral", in{"channel": "C123", "user": "U1", "text": "hi"}, func(out map[string]any) bool { return len(out) == 1 }}, // it has no message_ts
		{"create_channel", in{"name": "endeavor"}, func(out map[string]any) bool { return out["channel"] != nil }},
		{"set_topic", in{"channel": "C123", "topic": "x"}, func(out map[string]any) bool { return len(out) == 0 }},
		{"set_purpose", in{"channel": "C123", "purpose": "x"}, func(out map[string]any) bool { return len(out) == 0 }},
		{"rename_channel", in{"channel": "C123", "name": "x"}, func(out map[string]any) bool { return out["channel"] != nil }},
		{"invite_to_channel", in{"channel": "C123", "users": []string{"U1"}}, func(out map[string]any) bool { return out["changed"] == true }},
		{"get_user", in{"user": "U1"}, func(out map[string]any) bool { return out["user"] != nil }},
		{"lookup_user_by_email", in{"email": "a@example.com"}, func(out map[string]any) bool { return out["user"] != nil }},
		{"add_reaction", in{"channel": "C123", "ts": "1.000001", "name": "tada"}, func(out map[string]any) bool { return out["changed"] == true }},
	}
	for _, test := range tests {
		t.Run(test.operation, func(t *testing.T) {
			result, err := h.Execute(t.Context(), request(server.GetAPIURL(), test.operation, test.input))
			if err != nil {
				t.Fatal(err)
			}
			if out := decode(t, result.Output); !test.want(out) {
				t.Errorf("the output is %s", result.Output)
			}
		})
	}
	if account, err := h.Verify(t.Context(), request(server.GetAPIURL(), "", nil)); err != nil || account.ID == "" {
		t.Errorf("verifying: %v %v", account, err)
	}
}
