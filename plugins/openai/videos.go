package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

// newVideo is the input of OpenAI's create_video.
type newVideo struct {
	Prompt         string `json:"prompt" minLength:"1" jsonschema:"what the video shows"`
	Model          string `json:"model,omitempty" jsonschema:"sora-2 (default) or sora-2-pro"`
	Seconds        string `json:"seconds,omitempty" enum:"4,8,12"`
	Size           string `json:"size,omitempty" enum:"720x1280,1280x720,1024x1792,1792x1024"`
	InputReference object `json:"input_reference,omitempty" jsonschema:"an image to begin with, instead of a file: {file_id} or {image_url}"`
	extra
}

// oneVideo is the input of the operations on one video.
type oneVideo struct {
	VideoID string `json:"video_id" wire:"-" minLength:"1" maxLength:"200" jsonschema:"the video's id"`
}

// remix is the input of remix_video.
type remix struct {
	oneVideo
	Prompt string `json:"prompt" minLength:"1" jsonschema:"what is to be different"`
}

// videoContent is the input of get_video_content.
type videoContent struct {
	oneVideo
	Variant string `json:"variant,omitempty" enum:"video,thumbnail,spritesheet" jsonschema:"video when left out"`
}

// videos are OpenAI's operations on videos.
func videos() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_video", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(createVideo),
		Description: "Starts making a video of a text, and of an image if one comes with the call. Answers its id at once: poll get_video, then fetch get_video_content. Charged by the second; refuses prompts and faces that the platform's rules forbid.",
	}, {
		Name: "get_video", Effect: sdk.Read, Description: "Tells how far a video has come: queued, in_progress, completed or failed, with progress in percent.",
		Run: gets(func(in oneVideo) string { return sdk.Path("/videos/%s", in.VideoID) }),
	}, {
		Name: "list_videos", Effect: sdk.Read, Description: "Lists the videos, newest first.", Run: lists("/videos"),
	}, {
		Name: "get_video_content", Effect: sdk.Read, GivesFiles: true,
		Description: "Downloads a completed video as MP4, or its thumbnail or sprite sheet. Refuses one that is not completed, or that has expired.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in videoContent) (sdk.Attached, error) {
			kind := "video/mp4"
			if in.Variant == "thumbnail" || in.Variant == "spritesheet" {
				kind = "image/webp"
			}
			return call.Download(ctx, sdk.Request{Path: sdk.Path("/videos/%s/content", in.VideoID), Query: sdk.Query("variant", in.Variant)}, in.VideoID, kind)
		}),
	}, {
		Name: "remix_video", Effect: sdk.Write, Description: "Starts making a variation of a completed video. Answers the new one's id; charged like a new video.",
		Run: posts(func(in remix) string { return sdk.Path("/videos/%s/remix", in.VideoID) }),
	}, {
		Name: "delete_video", Effect: sdk.Idempotent, Description: "Deletes a video that is completed or failed.",
		Run: deletes(func(in oneVideo) (string, string) { return sdk.Path("/videos/%s", in.VideoID), in.VideoID }),
	}}
}

func createVideo(ctx context.Context, call *sdk.Call, in newVideo) (object, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return nil, err
	}
	f, err := optionalFile(ctx, call)
	if err != nil {
		return nil, err
	}
	var out object
	if f == nil {
		err = call.Do(ctx, sdk.Request{Path: "/videos", JSON: b}, &out)
		return out, err
	}
	if in.InputReference != nil {
		return nil, sdk.Invalid("/input_reference", "give an image as a file or by input_reference, not both")
	}
	err = postForm(ctx, call, "/videos", withFile(formParts(b), "input_reference", f, "image"), &out)
	return out, err
}
