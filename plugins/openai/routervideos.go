package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

// routerVideo is the input of OpenRouter's create_video.
type routerVideo struct {
	modelName
	Prompt          string   `json:"prompt,omitempty" jsonschema:"what the video shows"`
	Duration        int      `json:"duration,omitempty" minimum:"1" jsonschema:"seconds"`
	AspectRatio     string   `json:"aspect_ratio,omitempty" jsonschema:"such as 16:9"`
	Resolution      string   `json:"resolution,omitempty" enum:"480p,720p,768p,1080p,1K,2K,4K"`
	Size            string   `json:"size,omitempty" jsonschema:"width x height, instead of aspect_ratio and resolution"`
	FrameImages     []object `json:"frame_images,omitempty" jsonschema:"images of the first or last frame"`
	InputReferences []object `json:"input_references,omitempty" jsonschema:"images, sounds or videos to go by"`
	GenerateAudio   *bool    `json:"generate_audio,omitempty"`
	Seed            *int64   `json:"seed,omitempty"`
	Provider        object   `json:"provider,omitempty"`
	extra
}

// routerVideoContent is the input of OpenRouter's get_video_content.
type routerVideoContent struct {
	oneVideo
	Index int `json:"index,omitempty" minimum:"0" jsonschema:"which one, where there are several"`
}

// routerVideos are OpenRouter's operations on videos.
func routerVideos() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_video", Effect: sdk.Write, Description: "Starts making a video. Answers its id at once: poll get_video, then fetch get_video_content. Charged by the model.",
		Run: consumes[routerVideo]("/videos"),
	}, {
		Name: "get_video", Effect: sdk.Read, Description: "Tells how far a video has come: pending, in_progress, completed, failed, cancelled or expired.",
		Run: gets(func(in oneVideo) string { return sdk.Path("/videos/%s", in.VideoID) }),
	}, {
		Name: "get_video_content", Effect: sdk.Read, GivesFiles: true, Description: "Downloads a completed video as a file. Refuses one that is not completed, or that has expired.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in routerVideoContent) (sdk.Attached, error) {
			request := sdk.Request{Path: sdk.Path("/videos/%s/content", in.VideoID), Query: sdk.Query("index", in.Index)}
			return call.Download(ctx, request, in.VideoID, "video/mp4")
		}),
	}}
}
