package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// recording are the parameters of turning sound into text; the sound comes with the call.
type recording struct {
	modelName
	Prompt         string   `json:"prompt,omitempty" jsonschema:"names and words that occur, or what was said before, to guide the spelling"`
	ResponseFormat string   `json:"response_format,omitempty" enum:"json,text,srt,verbose_json,vtt,diarized_json" jsonschema:"verbose_json tells times; srt and vtt are subtitles; not every model has each"`
	Temperature    *float64 `json:"temperature,omitempty" minimum:"0" maximum:"1"`
	extra
}

// transcription is the input of transcribe.
type transcription struct {
	recording
	Language               string   `json:"language,omitempty" jsonschema:"of the speech, such as en; it makes the result better and faster"`
	TimestampGranularities []string `json:"timestamp_granularities,omitempty" enum:"word,segment" jsonschema:"which times to tell, with verbose_json"`
	URL                    string   `json:"url,omitempty" format:"uri" jsonschema:"where the platform fetches the sound, instead of a file (Groq)"`
}

// translation is the input of translate_audio.
type translation struct {
	recording
	URL string `json:"url,omitempty" format:"uri" jsonschema:"where the platform fetches the sound, instead of a file (Groq)"`
}

// transcript is the answer of the operations that turn sound into text.
type transcript struct {
	Text     string   `json:"text" jsonschema:"the words, or the subtitles where srt or vtt was asked for"`
	Language string   `json:"language,omitempty"`
	Segments []object `json:"segments,omitempty"`
	Words    []object `json:"words,omitempty"`
	Usage    object   `json:"usage,omitempty"`
	Details  object   `json:"details,omitempty" jsonschema:"what else the platform said, such as the duration"`
}

// say is the input of speech.
type say struct {
	modelName
	Input          string   `json:"input" minLength:"1" jsonschema:"the text to speak (up to 4096 characters at OpenAI)"`
	Voice          string   `json:"voice,omitempty" jsonschema:"such as alloy or nova; most platforms require one"`
	Instructions   string   `json:"instructions,omitempty" jsonschema:"how to speak; not with tts-1"`
	ResponseFormat string   `json:"response_format,omitempty" enum:"mp3,opus,aac,flac,wav,pcm,ogg,mulaw" jsonschema:"not every platform has each"`
	Speed          *float64 `json:"speed,omitempty" minimum:"0.25" maximum:"5"`
	extra
}

func (w wire) audio() []sdk.Operation {
	return []sdk.Operation{{
		Name: "transcribe", Effect: sdk.Read, TakesFiles: true,
		Description: "Turns speech into text. Send one sound file (flac, mp3, mp4, m4a, ogg, wav, webm; up to 25 MB at OpenAI and Groq) with the call.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in transcription) (transcript, error) {
			return w.listen(ctx, call, "/audio/transcriptions", in, in.ResponseFormat, in.URL != "")
		}),
	}, {
		Name: "translate_audio", Effect: sdk.Read, TakesFiles: true,
		Description: "Turns speech in any language into English text. Send one sound file (up to 25 MB at OpenAI and Groq) with the call. Only whisper models do it.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in translation) (transcript, error) {
			return w.listen(ctx, call, "/audio/translations", in, in.ResponseFormat, in.URL != "")
		}),
	}, {
		Name: "speech", Effect: sdk.Read, GivesFiles: true, Run: sdk.Func(w.speak),
		Description: "Speaks a text. The sound comes as a file with the result. Charged by characters or tokens each time.",
	}}
}

// listen sends a sound file, or the address of one, and answers the text.
func (w wire) listen(ctx context.Context, call *sdk.Call, path string, in any, format string, byURL bool) (transcript, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return transcript{}, err
	}
	parts := formParts(b)
	if !byURL {
		f, err := call.OneFile(ctx)
		if err != nil {
			return transcript{}, err
		}
		parts = withFile(parts, "file", f, "audio")
	}
	var answer []byte
	if err := postForm(ctx, call, path, parts, &answer); err != nil {
		return transcript{}, err
	}
	if format == "text" || format == "srt" || format == "vtt" {
		return transcript{Text: strings.ToValidUTF8(string(answer), "\uFFFD")}, nil
	}
	return w.transcriptOf(call, answer)
}

// transcriptOf reads an answer in one of the JSON formats.
func (w wire) transcriptOf(call *sdk.Call, data []byte) (transcript, error) {
	var answer object
	if err := json.Unmarshal(data, &answer); err != nil {
		return transcript{}, sdk.Errorf(sdk.PlatformError, "%s answered something that is no transcript.", w.name)
	}
	count(call, answer["usage"])
	out := transcript{Text: sdk.Text(answer["text"]), Language: sdk.Text(answer["language"]), Details: rest(answer, "text", "language", "segments", "words", "usage")}
	_ = json.Unmarshal(answer["segments"], &out.Segments) // what is not as expected is left out, here and below
	_ = json.Unmarshal(answer["words"], &out.Words)
	_ = json.Unmarshal(answer["usage"], &out.Usage)
	return out, nil
}

func (w wire) speak(ctx context.Context, call *sdk.Call, in say) (sdk.Attached, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return sdk.Attached{}, err
	}
	kind := "audio/" + or(in.ResponseFormat, "mpeg")
	if in.ResponseFormat == "mp3" {
		kind = "audio/mpeg"
	}
	return call.Download(ctx, sdk.Request{Path: "/audio/speech", JSON: b}, "speech", kind)
}
