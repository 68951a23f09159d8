package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// newImage is the input of generate_image.
type newImage struct {
	modelName
	Prompt      string `json:"prompt" minLength:"1" jsonschema:"what the image shows"`
	AspectRatio string `json:"aspect_ratio,omitempty" jsonschema:"such as 1:1, 16:9 or 3:4"`
	Size        string `json:"size,omitempty" jsonschema:"1K, 2K or 4K, as the model allows"`
	N           int    `json:"n,omitempty" minimum:"1" maximum:"4" jsonschema:"how many, with Imagen models alone; each is charged"`
}

type images struct {
	Files         []sdk.Attached `json:"files"`
	Text          string         `json:"text,omitempty" jsonschema:"what the model said beside"`
	UsageMetadata sdk.Object     `json:"usageMetadata,omitempty"`
}

// newSpeech is the input of speech.
type newSpeech struct {
	modelName
	Input    string       `json:"input" minLength:"1" jsonschema:"the text to speak, with how to speak it, such as: Say cheerfully: Hello"`
	Voice    string       `json:"voice,omitempty" jsonschema:"such as Kore, Puck or Zephyr"`
	Speakers []sdk.Object `json:"speakers,omitempty" maxItems:"2" jsonschema:"of a dialogue, instead of voice: each {speaker: the name in the text, voice}"`
}

// newVideo is the input of generate_video.
type newVideo struct {
	modelName
	Prompt     string     `json:"prompt" minLength:"1" jsonschema:"what the video shows, and what is heard"`
	Parameters sdk.Object `json:"parameters,omitempty" jsonschema:"{aspectRatio, resolution, durationSeconds, negativePrompt, personGeneration, seed}, as the model allows"`
}

type operationName struct {
	Name string `json:"name" pattern:"^(models|tunedModels|fileSearchStores|batches|cachedContents)(/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$" maxLength:"500" jsonschema:"the operation's name, as the start of the work answered it"`
}

func mediaOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "generate_image", Effect: sdk.Write, GivesFiles: true, Run: sdk.Func(generateImage),
		Description: "Makes images of a text, with a Gemini image model or Imagen. They come as files with the result. Charged for each; refuses prompts that the safety rules forbid. To change an image, use generate_content.",
	}, {
		Name: "speech", Effect: sdk.Read, GivesFiles: true, Run: sdk.Func(speak),
		Description: "Speaks a text with a speech model (-tts), in one voice or two. The sound comes as a WAV file with the result. Refuses models that do not speak.",
	}, {
		Name: "generate_video", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(generateVideo),
		Description: "Starts making a video with a Veo model, of a text and, if one comes with the call, of an image as its first frame (10 MiB). Answers the operation's name at once: poll get_operation until done, then fetch get_video_content. Charged by the second.",
	}, {
		Name: "get_operation", Effect: sdk.Read, Run: sdk.Routed[operationName]("GET /v1beta/{+name}"),
		Description: "Tells how far long work has come (generate_video, upload_to_file_search_store and others): done, then response or error.",
	}, {
		Name: "get_video_content", Effect: sdk.Read, GivesFiles: true, Run: sdk.Func(videoContent),
		Description: "Downloads the first video of a generate_video operation as MP4. Refuses work that is not done, that failed, or that is older than two days.",
	}}
}

func generateImage(ctx context.Context, call *sdk.Call, in newImage) (images, error) {
	if strings.HasPrefix(strings.TrimPrefix(in.Model, "models/"), "imagen") {
		return imagine(ctx, call, in)
	}
	if in.N > 1 {
		return images{}, sdk.Invalid("/n", "only Imagen models make several images in one call")
	}
	config := map[string]any{"responseModalities": []string{"TEXT", "IMAGE"}}
	if in.AspectRatio != "" || in.Size != "" {
		picture := map[string]string{}
		for name, value := range map[string]string{"aspectRatio": in.AspectRatio, "imageSize": in.Size} {
			if value != "" {
				picture[name] = value
			}
		}
		config["imageConfig"] = picture
	}
	made, err := say(ctx, call, in.modelName, in.Prompt, config)
	if err != nil {
		return images{}, err
	}
	if len(made.Files) == 0 {
		return images{}, sdk.Errorf(sdk.PlatformError, "Gemini made no image (%s). %s", sdk.Said(made.FinishReason), sdk.Said(made.Text))
	}
	return images{Files: made.Files, Text: made.Text, UsageMetadata: made.UsageMetadata}, nil
}

// say asks a model for one text.
func say(ctx context.Context, call *sdk.Call, model modelName, text string, config any) (content, error) {
	body := map[string]any{"contents": []any{map[string]any{"role": "user", "parts": []any{map[string]string{"text": text}}}}, "generationConfig": config}
	var answer sdk.Object
	if err := call.DoLarge(ctx, sdk.Request{Path: model.path("generateContent"), JSON: body}, maxContentBytes, &answer); err != nil {
		return content{}, err
	}
	count(call, answer)
	return contentOf(call, answer)
}

// imagine asks an Imagen model.
func imagine(ctx context.Context, call *sdk.Call, in newImage) (images, error) {
	parameters := map[string]any{"sampleCount": max(in.N, 1)}
	if in.AspectRatio != "" {
		parameters["aspectRatio"] = in.AspectRatio
	}
	if in.Size != "" {
		parameters["sampleImageSize"] = in.Size
	}
	var answer struct {
		Predictions []struct {
			Data      string `json:"bytesBase64Encoded"`
			MediaType string `json:"mimeType"`
		} `json:"predictions"`
	}
	body := map[string]any{"instances": []any{map[string]string{"prompt": in.Prompt}}, "parameters": parameters}
	if err := call.DoLarge(ctx, sdk.Request{Path: in.path("predict"), JSON: body}, maxContentBytes, &answer); err != nil {
		return images{}, err
	}
	out := images{Files: []sdk.Attached{}}
	for i, p := range answer.Predictions {
		file, err := call.AttachBase64(fmt.Sprintf("output-%d", i+1), p.MediaType, p.Data)
		if err != nil {
			return images{}, err
		}
		out.Files = append(out.Files, file)
	}
	if len(out.Files) == 0 {
		return images{}, sdk.Errorf(sdk.InvalidInput, "Gemini made no image: its safety rules left none.")
	}
	return out, nil
}

func speak(ctx context.Context, call *sdk.Call, in newSpeech) (sdk.Attached, error) {
	voice := func(name string) any {
		return map[string]any{"prebuiltVoiceConfig": map[string]string{"voiceName": name}}
	}
	config := map[string]any{"responseModalities": []string{"AUDIO"}}
	switch {
	case in.Voice != "" && len(in.Speakers) > 0:
		return sdk.Attached{}, sdk.Invalid("/speakers", "give a voice or speakers, not both")
	case in.Voice != "":
		config["speechConfig"] = map[string]any{"voiceConfig": voice(in.Voice)}
	case len(in.Speakers) > 0:
		var all []any
		for _, s := range in.Speakers {
			all = append(all, map[string]any{"speaker": sdk.Text(s["speaker"]), "voiceConfig": voice(sdk.Text(s["voice"]))})
		}
		config["speechConfig"] = map[string]any{"multiSpeakerVoiceConfig": map[string]any{"speakerVoiceConfigs": all}}
	}
	made, err := say(ctx, call, in.modelName, in.Input, config)
	if err != nil {
		return sdk.Attached{}, err
	}
	if len(made.Files) == 0 {
		return sdk.Attached{}, sdk.Errorf(sdk.PlatformError, "Gemini answered without sound (%s).", sdk.Said(made.FinishReason))
	}
	return made.Files[0], nil
}

// maxFrame bounds the image that a video begins with, which goes within the request.
const maxFrame = 10 << 20

func generateVideo(ctx context.Context, call *sdk.Call, in newVideo) (out sdk.Object, err error) {
	instance := map[string]any{"prompt": in.Prompt}
	f, err := call.NextFile(ctx)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err == nil {
		frame, err := io.ReadAll(io.LimitReader(f, maxFrame+1))
		if err != nil {
			return nil, err
		}
		if len(frame) > maxFrame {
			return nil, sdk.Invalid("", "the image is larger than 10 MiB")
		}
		instance["image"] = map[string]string{"bytesBase64Encoded": base64.StdEncoding.EncodeToString(frame), "mimeType": f.MediaType}
	}
	body := map[string]any{"instances": []any{instance}}
	if in.Parameters != nil {
		body["parameters"] = in.Parameters
	}
	return out, call.Do(ctx, sdk.Request{Path: in.path("predictLongRunning"), JSON: body}, &out)
}

func videoContent(ctx context.Context, call *sdk.Call, in operationName) (sdk.Attached, error) {
	r, err := sdk.Route("GET /v1beta/{+name}", in)
	if err != nil {
		return sdk.Attached{}, err
	}
	var operation struct {
		Done     bool            `json:"done"`
		Error    json.RawMessage `json:"error"`
		Response struct {
			GenerateVideoResponse struct {
				GeneratedSamples []struct {
					Video struct {
						URI string `json:"uri"`
					} `json:"video"`
				} `json:"generatedSamples"`
			} `json:"generateVideoResponse"`
		} `json:"response"`
	}
	if err := call.Do(ctx, r, &operation); err != nil {
		return sdk.Attached{}, err
	}
	samples := operation.Response.GenerateVideoResponse.GeneratedSamples
	switch {
	case !sdk.IsNull(operation.Error):
		return sdk.Attached{}, failureIn(encode(map[string]json.RawMessage{"error": operation.Error}))
	case !operation.Done:
		return sdk.Attached{}, sdk.Errorf(sdk.Conflict, "The video is not ready yet: poll get_operation until it is done.")
	case len(samples) == 0:
		return sdk.Attached{}, sdk.Errorf(sdk.NotFound, "The operation made no video: the safety rules may have left none.")
	}
	address, err := url.Parse(samples[0].Video.URI)
	base, baseErr := url.Parse(call.BaseURL())
	if err != nil || baseErr != nil || address.Scheme != base.Scheme || address.Host != base.Host || address.User != nil {
		return sdk.Attached{}, sdk.Errorf(sdk.PlatformError, "Gemini named an address for the video that is not its own.")
	}
	return call.Download(ctx, sdk.Request{Path: address.String()}, "video", "video/mp4")
}
