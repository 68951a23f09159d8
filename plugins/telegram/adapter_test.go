package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the token, which Telegram wants in the path of every address: it may stand in no error, whatever happens.
const secret = "123456789:AAEplantedTokenplantedTokenplantedT"

// given is an input.
type given = map[string]any

// request is a call with the planted token.
func request(operation, base string, input any) sdktest.Request {
	return sdktest.Request{Platform: "telegram", Operation: operation, BaseURL: base, Input: input,
		Method: sdk.MethodCustom, Fields: map[string]string{"bot_token": secret}}
}

func start(t *testing.T) *sdktest.Harness {
	t.Helper()
	return sdktest.Start(t, adapter())
}

func TestReadme(t *testing.T) { start(t).Readme(t, sdktest.ReadmeRows{}) }

var (
	button   = given{"inline_keyboard": [][]given{{{"text": "Yes", "callback_data": "yes"}}}}
	entities = []given{{"type": "bold", "offset": 0, "length": 2}}
	file     = []*sdktest.File{{Name: "a.bin", MediaType: "application/octet-stream", Data: []byte("content")}}
	files    = []*sdktest.File{{Name: "a.mp4", MediaType: "video/mp4", Data: []byte("content")}, {Name: "t.jpg", MediaType: "image/jpeg", Data: []byte("thumbnail")}}
)

// with adds to an input what everything that is sent may have, and to whom it goes.
func with(in given) given {
	further := given{"chat_id": -1001234567890, "message_thread_id": 3, "disable_notification": true, "protect_content": false, "message_effect_id": "5104841245755180586",
		"reply_parameters": given{"message_id": 5, "allow_sending_without_reply": true}, "reply_markup": button, "business_connection_id": "b"}
	for name, value := range further {
		if _, set := in[name]; !set {
			in[name] = value
		}
	}
	return in
}

func without(in given, names ...string) given {
	for _, name := range names {
		delete(in, name)
	}
	return in
}

func TestAgainstItsDeclaration(t *testing.T) {
	h, base := start(t), declared(t)
	caption := func(in given) given {
		in["caption"], in["parse_mode"], in["caption_entities"] = "Look", "HTML", entities
		return with(in)
	}
	here := func(more ...any) given {
		in := given{"chat_id": "@channel"}
		for i := 0; i+1 < len(more); i += 2 {
			in[more[i].(string)] = more[i+1]
		}
		return in
	}
	scope := given{"type": "chat", "chat_id": 5}
	h.Try(t, request("", base, nil), nil, []sdktest.Scenario{
		{Operation: "send_message", Input: given{"chat_id": 5, "text": "Hello"}},
		{Operation: "send_message", Input: with(given{"text": "Hello", "parse_mode": "MarkdownV2", "entities": entities, "link_preview_options": given{"is_disabled": true}, "extra": given{"direct_messages_topic_id": 7}})},
		{Operation: "send_message", Input: given{"chat_id": 5, "text": "Hello", "extra": given{"no_such": 1}}, Kind: sdk.InvalidInput, Says: "has no parameter no_such"},
		{Operation: "send_message", Input: given{"chat_id": given{}, "text": "Hello"}, Kind: sdk.InvalidInput, Says: "chat_id"},
		{Operation: "forward_message", Input: here("message_id", 5, "from_chat_id", "@other", "message_thread_id", 3, "disable_notification", true, "protect_content", true)},
		{Operation: "forward_messages", Input: here("message_ids", []int{5, 6}, "from_chat_id", -5)},
		{Operation: "copy_message", Input: without(caption(given{"message_id": 5, "from_chat_id": 7, "show_caption_above_media": true}), "business_connection_id", "message_effect_id")},
		{Operation: "copy_messages", Input: here("message_ids", []int{5}, "from_chat_id", -5, "remove_caption", true)},
		{Operation: "delete_message", Input: here("message_id", 5)},
		{Operation: "delete_messages", Input: here("message_ids", []int{5, 6})},
		{Operation: "send_chat_action", Input: here("action", "typing", "message_thread_id", 3, "business_connection_id", "b")},
		{Operation: "set_message_reaction", Input: here("message_id", 5, "reaction", []given{{"type": "emoji", "emoji": "👍"}}, "is_big", true)},
		{Operation: "send_photo", Input: caption(given{"photo": "https://example.com/a.png", "show_caption_above_media": true, "has_spoiler": true})},
		{Operation: "send_photo", Input: caption(given{}), Files: file},
		{Operation: "send_photo", Input: given{"chat_id": 5}, Kind: sdk.InvalidInput, Says: "send a file with the call"},
		{Operation: "send_photo", Input: given{"chat_id": 5, "photo": "x"}, Files: file, Kind: sdk.InvalidInput, Says: "leave photo out"},
		{Operation: "send_photo", Input: given{"chat_id": 5}, Files: files, Kind: sdk.InvalidInput, Says: "more files"},
		{Operation: "send_document", Input: caption(given{"disable_content_type_detection": true}), Files: files},
		{Operation: "send_video", Input: caption(given{"duration": 3, "width": 10, "height": 20, "supports_streaming": true, "start_timestamp": 1, "has_spoiler": false, "show_caption_above_media": false}), Files: append(files, files[1])},
		{Operation: "send_animation", Input: caption(given{"duration": 3, "width": 10, "height": 20}), Files: files},
		{Operation: "send_audio", Input: caption(given{"duration": 3, "performer": "P", "title": "T"}), Files: files},
		{Operation: "send_voice", Input: caption(given{"voice": "id", "duration": 3})},
		{Operation: "send_video_note", Input: with(given{"duration": 3, "length": 100}), Files: files},
		{Operation: "send_sticker", Input: with(given{"sticker": "id", "emoji": "👍"})},
		{Operation: "send_media_group", Input: without(with(given{"media": []given{{"type": "photo", "media": "attach://a.mp4", "caption": "Look"}, {"type": "video", "media": "attach://t.jpg"}}}), "reply_markup"), Files: files},
		{Operation: "send_media_group", Input: given{"chat_id": 5, "media": []given{{"type": "photo", "media": "attach://nobody"}, {"type": "photo", "media": "id"}}}, Kind: sdk.InvalidInput, Says: "media"},
		{Operation: "send_location", Input: with(given{"latitude": 0, "longitude": -1.5, "horizontal_accuracy": 3.5, "live_period": 60, "heading": 90, "proximity_alert_radius": 5})},
		{Operation: "send_venue", Input: with(given{"latitude": 1, "longitude": -1.5, "title": "T", "address": "A", "foursquare_id": "f", "google_place_id": "g"})},
		{Operation: "send_contact", Input: with(given{"phone_number": "+1", "first_name": "F", "last_name": "L", "vcard": "BEGIN:VCARD"})},
		{Operation: "send_poll", Input: with(given{"question": "Q", "options": []given{{"text": "a"}, {"text": "b"}}, "is_anonymous": false, "type": "quiz", "correct_option_ids": []int{0}, "explanation": "E", "open_period": 60})},
		{Operation: "send_dice", Input: with(given{"emoji": "🎯"})},
		{Operation: "edit_message_text", Input: given{"chat_id": 5, "message_id": 5, "text": "Hello", "parse_mode": "HTML", "entities": entities, "link_preview_options": given{"is_disabled": true}, "reply_markup": button, "business_connection_id": "b"}},
		{Operation: "edit_message_caption", Input: given{"inline_message_id": "i", "caption": "Look", "parse_mode": "HTML", "caption_entities": entities, "show_caption_above_media": true}},
		{Operation: "edit_message_media", Input: given{"chat_id": 5, "message_id": 5, "media": given{"type": "photo", "media": "attach://a.bin"}}, Files: file},
		{Operation: "edit_message_media", Input: given{"inline_message_id": "i", "media": given{"type": "photo", "media": "id"}}},
		{Operation: "edit_message_reply_markup", Input: given{"chat_id": 5, "message_id": 5, "reply_markup": button}},
		{Operation: "edit_message_live_location", Input: given{"chat_id": 5, "message_id": 5, "latitude": 1, "longitude": 1.5, "live_period": 60, "heading": 1, "horizontal_accuracy": 1, "proximity_alert_radius": 1}},
		{Operation: "stop_message_live_location", Input: given{"chat_id": 5, "message_id": 5}},
		{Operation: "stop_poll", Input: here("message_id", 5, "reply_markup", button)},
		{Operation: "get_chat", Input: here()},
		{Operation: "get_chat_member_count", Input: here()},
		{Operation: "get_chat_administrators", Input: here()},
		{Operation: "set_chat_title", Input: here("title", "T")},
		{Operation: "set_chat_description", Input: here("description", "D")},
		{Operation: "set_chat_photo", Input: here(), Files: file},
		{Operation: "delete_chat_photo", Input: here()},
		{Operation: "pin_chat_message", Input: here("message_id", 5, "disable_notification", true, "business_connection_id", "b")},
		{Operation: "unpin_chat_message", Input: here("message_id", 5)},
		{Operation: "unpin_all_chat_messages", Input: here()},
		{Operation: "leave_chat", Input: here()},
		{Operation: "get_chat_member", Input: here("user_id", 5)},
		{Operation: "ban_chat_member", Input: here("user_id", 5, "until_date", 1900000000, "revoke_messages", true)},
		{Operation: "unban_chat_member", Input: here("user_id", 5, "only_if_banned", true)},
		{Operation: "restrict_chat_member", Input: here("user_id", 5, "permissions", given{"can_send_messages": false}, "use_independent_chat_permissions", true, "until_date", 1900000000)},
		{Operation: "promote_chat_member", Input: here("user_id", 5, "is_anonymous", false, "can_manage_chat", true, "can_delete_messages", true, "can_manage_video_chats", true, "can_restrict_members", true, "can_promote_members", false,
			"can_change_info", true, "can_invite_users", true, "can_post_messages", true, "can_edit_messages", true, "can_pin_messages", true, "can_manage_topics", true, "extra", given{"can_post_stories": true})},
		{Operation: "set_chat_administrator_custom_title", Input: here("user_id", 5, "custom_title", "T")},
		{Operation: "set_chat_permissions", Input: here("permissions", given{"can_send_polls": true}, "use_independent_chat_permissions", true)},
		{Operation: "ban_chat_sender_chat", Input: here("sender_chat_id", -5)},
		{Operation: "unban_chat_sender_chat", Input: here("sender_chat_id", -5)},
		{Operation: "approve_chat_join_request", Input: here("user_id", 5)},
		{Operation: "decline_chat_join_request", Input: here("user_id", 5)},
		{Operation: "create_chat_invite_link", Input: here("name", "N", "expire_date", 1900000000, "member_limit", 5)},
		{Operation: "edit_chat_invite_link", Input: here("invite_link", "https://t.me/+x", "name", "N", "creates_join_request", true)},
		{Operation: "revoke_chat_invite_link", Input: here("invite_link", "https://t.me/+x")},
		{Operation: "export_chat_invite_link", Input: here()},
		{Operation: "create_forum_topic", Input: here("name", "N", "icon_color", 7322096, "icon_custom_emoji_id", "5")},
		{Operation: "edit_forum_topic", Input: here("message_thread_id", 3, "name", "N", "icon_custom_emoji_id", "")},
		{Operation: "close_forum_topic", Input: here("message_thread_id", 3)},
		{Operation: "reopen_forum_topic", Input: here("message_thread_id", 3)},
		{Operation: "delete_forum_topic", Input: here("message_thread_id", 3)},
		{Operation: "unpin_all_forum_topic_messages", Input: here("message_thread_id", 3)},
		{Operation: "get_file", Input: given{"file_id": "f"}},
		{Operation: "download_file", Input: given{"file_id": "f"}},
		{Operation: "get_user_profile_photos", Input: given{"user_id": 5, "cursor": "2", "limit": 10}},
		{Operation: "get_sticker_set", Input: given{"name": "N"}},
		{Operation: "get_updates", Input: given{"cursor": "7", "limit": 10, "timeout": 1, "allowed_updates": []string{"message"}}},
		{Operation: "set_webhook", Input: given{"url": "https://example.com/hook", "ip_address": "192.0.2.1", "max_connections": 5, "allowed_updates": []string{}, "drop_pending_updates": true, "secret_token": "s"}},
		{Operation: "get_webhook_info"},
		{Operation: "delete_webhook", Input: given{"drop_pending_updates": true}},
		{Operation: "answer_callback_query", Input: given{"callback_query_id": "c", "text": "T", "show_alert": true, "url": "https://t.me/bot?start=x", "cache_time": 5}},
		{Operation: "answer_inline_query", Input: given{"inline_query_id": "i", "results": []given{{"type": "article", "id": "1", "title": "T", "input_message_content": given{"message_text": "M"}}}, "cache_time": 0, "is_personal": true, "next_offset": "2", "button": given{"text": "B", "start_parameter": "s"}}},
		{Operation: "get_me"},
		{Operation: "set_my_commands", Input: given{"commands": []given{{"command": "start", "description": "Starts"}}, "scope": scope, "language_code": "en"}},
		{Operation: "get_my_commands", Input: given{"scope": scope}},
		{Operation: "delete_my_commands", Input: given{"language_code": "en"}},
		{Operation: "set_my_name", Input: given{"name": "N", "language_code": "en"}},
		{Operation: "get_my_name", Input: given{"language_code": "en"}},
		{Operation: "set_my_description", Input: given{"description": "D"}},
		{Operation: "get_my_description"},
		{Operation: "set_my_short_description", Input: given{"short_description": "D"}},
		{Operation: "get_my_short_description"},
		{Operation: "set_chat_menu_button", Input: given{"chat_id": 5, "menu_button": given{"type": "web_app", "text": "T", "web_app": given{"url": "https://example.com"}}}},
		{Operation: "get_chat_menu_button", Input: given{"chat_id": 5}},
	}, nil)
	if account, err := h.Verify(t.Context(), request("", base, nil)); err != nil || account.ID != "7" || account.Name != "text" {
		t.Errorf("got %v, %v, want the bot", account, err)
	}
}

// TestTheTokenIsSentAndToldNowhere watches what is sent, with a base URL below a path, and what a failing connection says.
func TestTheTokenIsSentAndToldNowhere(t *testing.T) {
	var paths []string
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.EscapedPath())
		if strings.HasPrefix(r.URL.Path, "/api/file/") {
			_, _ = w.Write([]byte("content"))
			return
		}
		_, _ = w.Write([]byte(`{"ok":true,"result":{"file_id":"f","file_path":"photos/../bot:token/a b?.jpg"}}`))
	})
	result, err := start(t).Execute(t.Context(), request("download_file", base+"/api", given{"file_id": "f"}))
	if err != nil || len(result.Files) != 1 || string(result.Files[0].GetData()) != "content" {
		t.Fatalf("got %v, %v", result, err)
	}
	if want := "/api/bot" + secret + "/getFile /api/file/bot" + secret + "/photos/%2E%2E/bot:token/a%20b%3F.jpg"; strings.Join(paths, " ") != want {
		t.Errorf("asked for %q, want %q", paths, want)
	}
	for name, f := range map[string]http.HandlerFunc{
		"a connection that breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a page":                   func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no "+r.URL.Path, http.StatusBadGateway) },
		"an echo":                  func(w http.ResponseWriter, r *http.Request) { refuse(w, 400, "Bad Request: "+r.URL.String()) },
		"a redirect in a circle":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"a redirect to nowhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://\x7f/"+r.URL.Path, http.StatusFound)
		},
		"another header": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", r.URL.Path)
			w.WriteHeader(http.StatusTeapot)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for operation, input := range map[string]given{"send_message": {"chat_id": 5, "text": "Hello"}, "download_file": {"file_id": "f"}} {
				r := request(operation, sdktest.Serve(t, f), input)
				_, err := start(t).Execute(t.Context(), r)
				if err == nil {
					t.Error("no failure")
				}
				sdktest.Discreet(t, r, err)
			}
		})
	}
	r := request("get_me", "http://127.0.0.1:1", given{})
	_, err = start(t).Execute(t.Context(), r)
	if sdk.KindOf(err) != sdk.PlatformUnavailable {
		t.Errorf("got %v", err)
	}
	sdktest.Discreet(t, r, err)
}

func TestUpdatesArePaged(t *testing.T) {
	var asked given
	answer := ""
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = nil
		_ = json.NewDecoder(r.Body).Decode(&asked) // what it is shows below
		_, _ = w.Write([]byte(answer))
	})
	for _, c := range []struct {
		answer, cursor, next string
		offset               any
	}{
		{`{"ok":true,"result":[{"update_id":100},{"update_id":900719925474099}]}`, "", "900719925474100", nil},
		{`{"ok":true,"result":[]}`, "101", "101", 101.0},
	} {
		answer = c.answer
		in := given{}
		if c.cursor != "" {
			in["cursor"] = c.cursor
		}
		result, err := start(t).Execute(t.Context(), request("get_updates", base, in))
		if err != nil {
			t.Fatal(err)
		}
		var page sdk.Page
		if json.Unmarshal(result.Output, &page) != nil || page.NextCursor != c.next || asked["offset"] != c.offset || asked["cursor"] != nil {
			t.Errorf("got %s, sent %v", result.Output, asked)
		}
	}
}

func TestHostileAnswers(t *testing.T) {
	h := start(t)
	for operation, input := range map[string]given{"send_message": {"chat_id": 5, "text": "Hello"}, "get_updates": {}, "edit_message_text": {"chat_id": 5, "message_id": 5, "text": "a"}, "download_file": {"file_id": "f"}} {
		t.Run(operation, func(t *testing.T) {
			wrong := []string{`{"ok":true}`, `{"ok":true,"result":null}`, `{"ok":7,"result":{}}`, `{"ok":true,"result":"x"}`}
			if operation == "edit_message_text" {
				wrong = wrong[:3] // its result may be true, a message, or whatever comes
			}
			h.Hostile(t, request(operation, "", input), false, wrong...)
		})
	}
}
