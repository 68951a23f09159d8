package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// drawing are the parameters of images that are made of a text.
type drawing struct {
	Prompt            string `json:"prompt" minLength:"1" jsonschema:"what the image shows"`
	N                 int    `json:"n,omitempty" minimum:"1" maximum:"10" jsonschema:"how many; each is charged"`
	Size              string `json:"size,omitempty" jsonschema:"such as 1024x1024, 1536x1024 or auto"`
	Quality           string `json:"quality,omitempty" jsonschema:"such as low, medium, high or auto"`
	Background        string `json:"background,omitempty" enum:"transparent,opaque,auto"`
	OutputFormat      string `json:"output_format,omitempty" enum:"png,jpeg,webp"`
	OutputCompression *int   `json:"output_compression,omitempty" minimum:"0" maximum:"100" jsonschema:"percent, for jpeg and webp"`
	ResponseFormat    string `json:"response_format,omitempty" enum:"url,b64_json" jsonschema:"only older models take it"`
	User              string `json:"user,omitempty"`
	extra
}

// newImage is the input of generate_image.
type newImage struct {
	Model string `json:"model,omitempty" jsonschema:"such as gpt-image-1; some platforms require it"`
	drawing
	Style      string `json:"style,omitempty" jsonschema:"vivid or natural, dall-e-3 only"`
	Moderation string `json:"moderation,omitempty" jsonschema:"auto, or low for a laxer filter"`
}

// editImage is the input of edit_image; the images come with the call.
type editImage struct {
	Model string `json:"model,omitempty" jsonschema:"such as gpt-image-1; some platforms require it"`
	drawing
	MaskFile      string `json:"mask_file,omitempty" wire:"-" jsonschema:"name of the one among the files that is the mask: a PNG whose transparent areas are to be changed"`
	InputFidelity string `json:"input_fidelity,omitempty" enum:"high,low" jsonschema:"how closely the input images are kept"`
}

// images is the answer of the image operations.
type images struct {
	Images  []image `json:"images"`
	Usage   object  `json:"usage,omitempty"`
	Details object  `json:"details,omitempty" jsonschema:"what else the platform said"`
}

// image is one image: a file of the result, or an address from which it can be fetched for a while.
type image struct {
	File          string `json:"file,omitempty" jsonschema:"name of the file that comes with the result"`
	MediaType     string `json:"media_type,omitempty"`
	URL           string `json:"url,omitempty"`
	RevisedPrompt string `json:"revised_prompt,omitempty" jsonschema:"the prompt as the model rewrote it"`
}

// maxImageInput bounds the images that are sent with one call, which are held in memory.
const maxImageInput = 64 << 20

func (w wire) images() []sdk.Operation {
	return []sdk.Operation{{
		Name: "generate_image", Effect: sdk.Write, GivesFiles: true, Run: w.draws("/images/generations"),
		Description: "Makes images of a text. They come as files with the result, or as addresses where the model answers those. Charged for each image; refuses prompts that the platform's safety rules forbid. Partial images are not streamed.",
	}, {
		Name: "edit_image", Effect: sdk.Write, TakesFiles: true, GivesFiles: true, Run: sdk.Func(w.editImage),
		Description: "Changes or combines images by a text. Send the images (PNG, WebP or JPEG; up to 16 at OpenAI, 64 MiB together), and a mask among them if only a part is to change. Charged for each image.",
	}}
}

func (w wire) draws(path string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in newImage) (images, error) {
		b, err := sdk.Body(in)
		if err != nil {
			return images{}, err
		}
		return w.draw(ctx, call, sdk.Request{Path: path, JSON: b}, b)
	})
}

func (w wire) editImage(ctx context.Context, call *sdk.Call, in editImage) (images, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return images{}, err
	}
	files, err := readFiles(ctx, call, maxImageInput)
	if err != nil {
		return images{}, err
	}
	sources, mask := splitMask(files, in.MaskFile)
	if len(sources) == 0 || (in.MaskFile != "" && mask == nil) {
		return images{}, sdk.Invalid("/mask_file", "this operation needs at least one image, and the mask that is named, among the files of the call")
	}
	field := "image"
	if len(sources) > 1 {
		field = "image[]"
	}
	parts := formParts(b)
	for _, f := range sources {
		parts = withFile(parts, field, f, "image")
	}
	if mask != nil {
		parts = withFile(parts, "mask", mask, "mask")
	}
	content, kind := sdk.Multipart(parts...)
	return w.draw(ctx, call, sdk.Request{Method: http.MethodPost, Path: "/images/edits", Body: content, ContentType: kind}, b)
}

// readFiles reads the files of a call into memory.
func readFiles(ctx context.Context, call *sdk.Call, limit int64) ([]*sdk.File, error) {
	var files []*sdk.File
	for {
		f, err := call.NextFile(ctx)
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(io.LimitReader(f, limit+1))
		if err != nil {
			return nil, err
		}
		if limit -= int64(len(content)); limit < 0 {
			return nil, sdk.Invalid("", "the files are too large together")
		}
		files = append(files, &sdk.File{Name: f.Name, MediaType: f.MediaType, Reader: bytes.NewReader(content)})
	}
}

// splitMask takes the mask out of the files.
func splitMask(files []*sdk.File, name string) (sources []*sdk.File, mask *sdk.File) {
	for _, f := range files {
		if name != "" && mask == nil && f.Name == name {
			mask = f
			continue
		}
		sources = append(sources, f)
	}
	return sources, mask
}

// draw sends a request and turns the images of the answer into files.
func (w wire) draw(ctx context.Context, call *sdk.Call, r sdk.Request, b object) (images, error) {
	var answer object
	if err := call.DoLarge(ctx, r, maxInlineBytes, &answer); err != nil {
		return images{}, err
	}
	var data []struct {
		B64           string          `json:"b64_json"`
		URL           json.RawMessage `json:"url"`
		MediaType     json.RawMessage `json:"media_type"`
		RevisedPrompt json.RawMessage `json:"revised_prompt"`
	}
	if err := json.Unmarshal(answer["data"], &data); err != nil && !sdk.IsNull(answer["data"]) {
		return images{}, sdk.Errorf(sdk.PlatformError, "%s answered without images.", w.name)
	}
	out := images{Images: []image{}, Details: rest(answer, "data", "usage")}
	_ = json.Unmarshal(answer["usage"], &out.Usage) // what is no object is left out
	count(call, answer["usage"])
	kind := "image/" + or(or(sdk.Text(answer["output_format"]), sdk.Text(b["output_format"])), "png")
	for i, d := range data {
		one := image{RevisedPrompt: sdk.Text(d.RevisedPrompt)}
		if url := sdk.Text(d.URL); strings.HasPrefix(url, "data:") && d.B64 == "" {
			d.B64 = url
		} else {
			one.URL = url
		}
		if d.B64 != "" {
			f, err := attachBase64(call, fmt.Sprintf("image-%d", i+1), or(sdk.Text(d.MediaType), kind), d.B64)
			if err != nil {
				return images{}, err
			}
			one.File, one.MediaType = f.File, f.MediaType
		}
		out.Images = append(out.Images, one)
	}
	return out, nil
}
