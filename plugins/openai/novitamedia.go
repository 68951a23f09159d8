package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"

	"github.com/patchbay/patchbay/sdk"
)

// maxImageFile bounds an image that is sent to Novita (its own limit is 30 MB).
const maxImageFile = 30 << 20

// task is the answer of an operation that starts work.
type task struct {
	TaskID string `json:"task_id" jsonschema:"for get_task_result"`
}

// painting are the parameters that making an image of a text and of an image have in common (Stable Diffusion).
type painting struct {
	ModelName      string   `json:"model_name" minLength:"1" jsonschema:"the checkpoint, such as sd_xl_base_1.0.safetensors"`
	Prompt         string   `json:"prompt" minLength:"1" maxLength:"1024"`
	NegativePrompt string   `json:"negative_prompt,omitempty" maxLength:"1024" jsonschema:"what the image is not to show"`
	Width          int      `json:"width" minimum:"128" maximum:"2048"`
	Height         int      `json:"height" minimum:"128" maximum:"2048"`
	ImageNum       int      `json:"image_num" minimum:"1" maximum:"8" jsonschema:"how many; each is charged"`
	Steps          int      `json:"steps" minimum:"1" maximum:"100"`
	GuidanceScale  float64  `json:"guidance_scale" minimum:"1" maximum:"30"`
	SamplerName    string   `json:"sampler_name" minLength:"1" jsonschema:"such as Euler a or DPM++ 2M Karras"`
	Seed           *int64   `json:"seed,omitempty" jsonschema:"-1 for a random one"`
	Loras          []object `json:"loras,omitempty" maxItems:"5" jsonschema:"{model_name, strength}"`
	ImageType      string   `json:"response_image_type,omitempty" wire:"-" enum:"png,webp,jpeg"`
	extra
}

// repainting is the input of edit_image.
type repainting struct {
	painting
	Strength *float64 `json:"strength,omitempty" minimum:"0" maximum:"1" jsonschema:"how far from the image it may go"`
}

// filming is the input of generate_video.
type filming struct {
	modelName
	Prompt      string `json:"prompt,omitempty" jsonschema:"what the video shows"`
	Image       string `json:"image,omitempty" jsonschema:"address of an image to begin with, for models that take one; or send it as a file"`
	Duration    int    `json:"duration,omitempty" minimum:"1" jsonschema:"seconds"`
	Resolution  string `json:"resolution,omitempty" jsonschema:"such as 720p"`
	AspectRatio string `json:"aspect_ratio,omitempty" jsonschema:"such as 16:9"`
	extra
}

// upscaling is the input of upscale_image.
type upscaling struct {
	ModelName   string  `json:"model_name" enum:"RealESRGAN_x4plus_anime_6B,RealESRNet_x4plus,4x-UltraSharp"`
	ScaleFactor float64 `json:"scale_factor" minimum:"1" maximum:"4" jsonschema:"more than 1"`
	ImageType   string  `json:"response_image_type,omitempty" wire:"-" enum:"png,webp,jpeg"`
}

// speaking is the input of text_to_speech.
type speaking struct {
	Text     string   `json:"text" wire:"-" minLength:"1" maxLength:"512"`
	VoiceID  string   `json:"voice_id" minLength:"1" jsonschema:"such as Emily, James, Olivia, Michael or Sarah"`
	Language string   `json:"language" minLength:"1" jsonschema:"such as en-US, zh-CN or ja-JP"`
	Volume   *float64 `json:"volume,omitempty" minimum:"1" maximum:"2"`
	Speed    *float64 `json:"speed,omitempty" minimum:"0.8" maximum:"3"`
}

// modelTask is the input of run_model.
type modelTask struct {
	Endpoint string `json:"endpoint" pattern:"^[a-z0-9][a-z0-9._-]{0,99}$" jsonschema:"the model's own endpoint, the last part of its address in Novita's reference, such as flux-2-pro or minimax-speech-02-hd"`
	Sync     bool   `json:"sync,omitempty" jsonschema:"true for an endpoint that answers at once (/v3/...) instead of starting a task (/v3/async/...)"`
	Input    object `json:"input" jsonschema:"what the endpoint takes"`
}

// oneTask is the input of get_task_result.
type oneTask struct {
	TaskID string `json:"task_id" minLength:"1" maxLength:"200"`
}

// novitaMedia are the operations beside the OpenAI wire.
func novitaMedia() []sdk.Operation {
	return []sdk.Operation{{
		Name: "generate_image", Effect: sdk.Write, Description: "Starts making images of a text with a Stable Diffusion checkpoint. Answers a task: poll get_task_result. Charged for each image.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in painting) (task, error) {
			b, err := sdk.Body(in)
			if err != nil {
				return task{}, err
			}
			return startTask(ctx, call, "/v3/async/txt2img", wrap(b, in.ImageType))
		}),
	}, {
		Name: "edit_image", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(repaint),
		Description: "Starts making images of a text and an image, which comes with the call (up to 10 MB). Answers a task: poll get_task_result. Charged for each image.",
	}, {
		Name: "upscale_image", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(upscale),
		Description: "Starts enlarging an image, which comes with the call (up to 2048x2048 and 30 MB). Answers a task: poll get_task_result.",
	}, {
		Name: "remove_background", Effect: sdk.Read, TakesFiles: true, GivesFiles: true, Run: sdk.Func(removeBackground),
		Description: "Takes the background out of an image, which comes with the call (PNG or JPEG up to 30 MB), and gives the image back as a file.",
	}, {
		Name: "generate_video", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(film),
		Description: "Starts making a video of a text, and of an image with models that take one. Answers a task: poll get_task_result. Charged by the video.",
	}, {
		Name: "text_to_speech", Effect: sdk.Write, Description: "Starts speaking a text of at most 512 characters. Answers a task: poll get_task_result. For longer texts and other voices use run_model with a speech endpoint.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in speaking) (task, error) {
			b, err := sdk.Body(in)
			if err != nil {
				return task{}, err
			}
			b["texts"] = raw([]string{in.Text})
			return startTask(ctx, call, "/v3/async/txt2speech", object{"request": raw(b)})
		}),
	}, {
		Name: "run_model", Effect: sdk.Write, Run: sdk.Func(runModel),
		Description: "Runs any model by its own endpoint in Novita's reference, for what the other operations do not cover. Answers task_id where it starts a task (poll get_task_result), else the result. Charged by the model.",
	}, {
		Name: "get_task_result", Effect: sdk.Read,
		Description: "Tells how far a task has come (task.status TASK_STATUS_QUEUED, PROCESSING, SUCCEED or FAILED with a reason) and where its images, videos or audios can be fetched for a while.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneTask) (object, error) {
			var out object
			err := call.Do(ctx, sdk.Request{Path: novitaRoot(call) + "/v3/async/task-result", Query: sdk.Query("task_id", in.TaskID)}, &out)
			return out, err
		}),
	}}
}

// wrap puts a request into the form of Novita's older endpoints.
func wrap(request object, imageType string) object {
	out := object{"request": raw(request)}
	if imageType != "" {
		out["extra"] = raw(map[string]string{"response_image_type": imageType})
	}
	return out
}

// startTask sends a request that answers the id of a task.
func startTask(ctx context.Context, call *sdk.Call, path string, b object) (task, error) {
	var out task
	if err := call.Do(ctx, sdk.Request{Path: novitaRoot(call) + path, JSON: b}, &out); err != nil {
		return task{}, err
	}
	if out.TaskID == "" {
		return task{}, sdk.Errorf(sdk.PlatformError, "Novita answered without the id of a task.")
	}
	return out, nil
}

func repaint(ctx context.Context, call *sdk.Call, in repainting) (task, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return task{}, err
	}
	f, err := call.OneFile(ctx)
	if err != nil {
		return task{}, err
	}
	if b["image_base64"], err = encoded(f); err != nil {
		return task{}, err
	}
	return startTask(ctx, call, "/v3/async/img2img", wrap(b, in.ImageType))
}

func upscale(ctx context.Context, call *sdk.Call, in upscaling) (task, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return task{}, err
	}
	f, err := call.OneFile(ctx)
	if err != nil {
		return task{}, err
	}
	if b["image_base64"], err = encoded(f); err != nil {
		return task{}, err
	}
	return startTask(ctx, call, "/v3/async/upscale", wrap(b, in.ImageType))
}

func film(ctx context.Context, call *sdk.Call, in filming) (task, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return task{}, err
	}
	f, err := optionalFile(ctx, call)
	if err != nil {
		return task{}, err
	}
	if f != nil {
		if in.Image != "" {
			return task{}, sdk.Invalid("/image", "give an image as a file or by its address, not both")
		}
		if b["image"], err = encoded(f); err != nil {
			return task{}, err
		}
	}
	return startTask(ctx, call, "/v3/video/create", b)
}

func removeBackground(ctx context.Context, call *sdk.Call, _ sdk.None) (sdk.Attached, error) {
	f, err := call.OneFile(ctx)
	if err != nil {
		return sdk.Attached{}, err
	}
	content, err := encoded(f)
	if err != nil {
		return sdk.Attached{}, err
	}
	var answer struct {
		ImageFile string `json:"image_file"`
		ImageType string `json:"image_type"`
	}
	request := sdk.Request{Path: novitaRoot(call) + "/v3/remove-background", JSON: object{"image_file": content}}
	if err := call.DoLarge(ctx, request, maxInlineBytes, &answer); err != nil {
		return sdk.Attached{}, err
	}
	if answer.ImageFile == "" {
		return sdk.Attached{}, sdk.Errorf(sdk.PlatformError, "Novita answered without an image.")
	}
	return attachBase64(call, "image", "image/"+or(answer.ImageType, "png"), answer.ImageFile)
}

func runModel(ctx context.Context, call *sdk.Call, in modelTask) (object, error) {
	prefix := "/v3/async/"
	if in.Sync {
		prefix = "/v3/"
	}
	var out object
	err := call.Do(ctx, sdk.Request{Path: novitaRoot(call) + prefix + sdk.Path("%s", in.Endpoint), JSON: in.Input}, &out)
	return out, err
}

// encoded reads a file and answers it in base64, as JSON.
func encoded(f *sdk.File) (json.RawMessage, error) {
	content, err := io.ReadAll(io.LimitReader(f, maxImageFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxImageFile {
		return nil, sdk.Invalid("", "the image is larger than %d MiB", maxImageFile>>20)
	}
	return raw(base64.StdEncoding.EncodeToString(content)), nil
}
