package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// answering runs a call against one answer and tells what was sent.
func answering(t *testing.T, operation string, in given, answer string) (sdktest.Result, given, error) {
	t.Helper()
	var sent given
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&sent) // what it is shows below
		_, _ = w.Write([]byte(answer))
	})
	result, err := start(t).Execute(t.Context(), request(operation, base, in))
	return result, sent, err
}

func TestImages(t *testing.T) {
	picture := base64.StdEncoding.EncodeToString([]byte("\x89PNG the picture"))
	result, sent, err := answering(t, "generate_image", given{"model": "gemini-2.5-flash-image", "prompt": "a cat", "aspect_ratio": "1:1"},
		`{"candidates":[{"content":{"parts":[{"text":"Here."},{"inlineData":{"mimeType":"image/png","data":"`+picture+`"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1290}}`)
	if err != nil || string(result.Files[0].GetData()) != "\x89PNG the picture" || result.Files[0].GetName() != "output-1.png" || result.Units["output_tokens"] != 1290 {
		t.Errorf("got %s, %v", result.Output, err)
	}
	want := given{"contents": []any{given{"role": "user", "parts": []any{given{"text": "a cat"}}}}, "generationConfig": given{"responseModalities": []any{"TEXT", "IMAGE"}, "imageConfig": given{"aspectRatio": "1:1"}}}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
	result, sent, err = answering(t, "generate_image", given{"model": "imagen-4.0-generate-001", "prompt": "a cat", "n": 2}, `{"predictions":[{"mimeType":"image/jpeg","bytesBase64Encoded":"`+picture+`"},{"mimeType":"image/png","bytesBase64Encoded":"`+picture+`"}]}`)
	if err != nil || len(result.Files) != 2 || result.Files[0].GetName() != "output-1.jpg" {
		t.Errorf("got %s, %v", result.Output, err)
	}
	if diff := cmp.Diff(given{"instances": []any{given{"prompt": "a cat"}}, "parameters": given{"sampleCount": 2.0}}, sent); diff != "" {
		t.Error(diff)
	}
	if _, _, err := answering(t, "generate_image", given{"model": "gemini-2.5-flash-image", "prompt": "a cat"}, `{"candidates":[{"content":{"parts":[{"text":"No."}]},"finishReason":"IMAGE_SAFETY"}]}`); err == nil || !strings.Contains(err.Error(), "IMAGE_SAFETY") {
		t.Errorf("got %v for no image", err)
	}
	if _, _, err := answering(t, "generate_image", given{"model": "gemini-2.5-flash-image", "prompt": "a cat", "n": 3}, `{}`); sdk.KindOf(err) != sdk.InvalidInput {
		t.Errorf("got %v for three images", err)
	}
}

// Bare samples become a WAV file that says how to play them.
func TestSpeech(t *testing.T) {
	samples := []byte{1, 2, 3, 4}
	result, sent, err := answering(t, "speech", given{"model": "gemini-2.5-flash-preview-tts", "input": "Hello", "voice": "Kore"},
		`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=16000","data":"`+base64.StdEncoding.EncodeToString(samples)+`"}}]},"finishReason":"STOP"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte("RIFF\x28\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00"), samples...)
	if !bytes.Equal(want, result.Files[0].GetData()) || !strings.Contains(string(result.Output), `"bytes":48`) {
		t.Errorf("got %q, %s", result.Files[0].GetData(), result.Output)
	}
	if diff := cmp.Diff(given{"responseModalities": []any{"AUDIO"}, "speechConfig": given{"voiceConfig": given{"prebuiltVoiceConfig": given{"voiceName": "Kore"}}}}, sent["generationConfig"]); diff != "" {
		t.Error(diff)
	}
}

func TestVideoContent(t *testing.T) {
	answer := ""
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1beta/files/v:download" && r.URL.RawQuery == "alt=media" && r.Header.Get("X-Goog-Api-Key") == secret {
			w.Header().Set("Content-Type", "video/mp4")
			_, _ = w.Write([]byte("the video"))
			return
		}
		_, _ = w.Write([]byte(answer))
	})
	run := func() (sdktest.Result, error) {
		r := request("get_video_content", base, given{"name": "models/veo-3/operations/a"})
		result, err := start(t).Execute(t.Context(), r)
		sdktest.Discreet(t, r, err)
		return result, err
	}
	made := func(uri string) string {
		return fmt.Sprintf(`{"done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":%q}}]}}}`, uri)
	}
	answer = made(base + "/v1beta/files/v:download?alt=media")
	if result, err := run(); err != nil || string(result.Files[0].GetData()) != "the video" || result.Files[0].GetName() != "video.mp4" {
		t.Errorf("got %v, %v", result, err)
	}
	for name, c := range map[string]struct {
		answer string
		kind   sdk.Kind
	}{
		"not ready":       {`{"name":"x"}`, sdk.Conflict},
		"failed":          {`{"done":true,"error":{"code":3,"message":"bad prompt"}}`, sdk.PlatformError},
		"filtered":        {`{"done":true,"response":{"generateVideoResponse":{}}}`, sdk.NotFound},
		"another host":    {made("https://evil.example/v.mp4"), sdk.PlatformError},
		"a user":          {made(strings.Replace(base, "http://", "http://user@", 1) + "/v.mp4"), sdk.PlatformError},
		"another scheme":  {made(strings.Replace(base, "http://", "https://", 1) + "/v.mp4"), sdk.PlatformError},
		"no address":      {made("%"), sdk.PlatformError},
		"not an object":   {`[]`, sdk.PlatformError},
		"a wrong address": {`{"done":true,"response":7}`, sdk.PlatformError},
	} {
		answer = c.answer
		if _, err := run(); sdk.KindOf(err) != c.kind {
			t.Errorf("%s: got kind %d, %v, want %d", name, sdk.KindOf(err), err, c.kind)
		}
	}
}

// TestUploads sends a file of several pieces, none of which is more than is held, and refuses to send one elsewhere.
func TestUploads(t *testing.T) {
	whole := bytes.Repeat([]byte("0123456789abcdef"), (2*pieceBytes+512)/16)
	for name, c := range map[string]struct {
		size  int
		steps string
	}{
		"small":           {5, "start 5;upload, finalize 0+5;"},
		"empty":           {0, "start 0;upload, finalize 0+0;"},
		"exactly a piece": {pieceBytes, "start ;upload 0+8388608;upload, finalize 8388608+0;"},
		"of three pieces": {len(whole), "start ;upload 0+8388608;upload 8388608+8388608;upload, finalize 16777216+512;"},
	} {
		t.Run(name, func(t *testing.T) {
			steps, content := "", []byte{}
			var base string
			base = sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				command := r.Header.Get("X-Goog-Upload-Command")
				if command == "start" {
					steps += "start " + r.Header.Get("X-Goog-Upload-Header-Content-Length") + ";"
					w.Header().Set("X-Goog-Upload-Url", base+"/upload/v1beta/files?upload_id=u")
					return
				}
				piece, err := io.ReadAll(r.Body)
				if err != nil || r.URL.RawQuery != "upload_id=u" || r.ContentLength < 0 {
					t.Errorf("got %v, %s, %d bytes announced", err, r.URL, r.ContentLength)
				}
				content = append(content, piece...)
				steps += fmt.Sprintf("%s %s+%d;", command, r.Header.Get("X-Goog-Upload-Offset"), len(piece))
				if strings.Contains(command, "finalize") {
					_, _ = w.Write([]byte(`{"file":{"name":"files/abc"}}`))
				}
			})
			r := request("upload_file", base, given{})
			r.Files, r.Stream = []*sdktest.File{{Name: "a.txt", MediaType: "text/plain", Data: whole[:c.size]}}, true
			result, err := start(t).Execute(t.Context(), r)
			if err != nil || steps != c.steps || !bytes.Equal(content, whole[:c.size]) || !strings.Contains(string(result.Output), "files/abc") {
				t.Errorf("got %s, %v, by %s, want %s", result.Output, err, steps, c.steps)
			}
			if pieces := c.size / pieceBytes; len(result.Progress) != pieces {
				t.Errorf("told %q of %d pieces", result.Progress, pieces)
			}
		})
	}
	for _, told := range []string{"", "https://evil.example/upload", "//evil.example/", "%", "file:///etc/passwd"} {
		r := request("upload_file", sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Goog-Upload-Url", told) }), given{})
		r.Files = picture
		_, err := start(t).Execute(t.Context(), r)
		if sdk.KindOf(err) != sdk.PlatformError || !strings.Contains(err.Error(), "not its own") {
			t.Errorf("%q: got %v", told, err)
		}
		sdktest.Discreet(t, r, err)
	}
}
