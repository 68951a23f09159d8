package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// unpack gives the pictures and sound of parts as files with the result, and says in their places which. before is how many came
// before.
func unpack(call *sdk.Call, parts []sdk.Object, before int) ([]sdk.Attached, error) {
	var files []sdk.Attached
	for _, part := range parts {
		var data struct {
			MimeType string `json:"mimeType"`
			Data     string `json:"data"`
		}
		if sdk.IsNull(part["inlineData"]) {
			continue
		}
		if err := json.Unmarshal(part["inlineData"], &data); err != nil {
			return nil, sdk.Errorf(sdk.PlatformError, "Gemini answered a file that is not as expected.")
		}
		file, err := attach(call, fmt.Sprintf("output-%d", before+len(files)+1), data.MimeType, data.Data)
		if err != nil {
			return nil, err
		}
		part["inlineData"] = encode(map[string]string{"mimeType": file.MediaType, "file": file.File})
		files = append(files, file)
	}
	return files, nil
}

// attach gives one file. Sound that comes as bare samples is made a WAV file, which says by itself how to play it.
func attach(call *sdk.Call, base, mediaType, encoded string) (sdk.Attached, error) {
	kind, parameters, err := mime.ParseMediaType(mediaType)
	if err != nil || !strings.EqualFold(kind, "audio/L16") {
		return call.AttachBase64(base, mediaType, encoded)
	}
	rate, err := strconv.ParseUint(parameters["rate"], 10, 32)
	if err != nil || rate == 0 {
		rate = 24000 // what Gemini's models speak at
	}
	samples, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return sdk.Attached{}, sdk.Errorf(sdk.PlatformError, "Gemini answered sound that is not base64.")
	}
	name := base + ".wav"
	header := wavHeader(uint32(rate), uint32(len(samples))) // an answer is bounded far below 4 GiB
	if err := call.Attach(name, "audio/wav", io.MultiReader(bytes.NewReader(header), bytes.NewReader(samples))); err != nil {
		return sdk.Attached{}, err
	}
	return sdk.Attached{File: name, MediaType: "audio/wav", Bytes: int64(len(header) + len(samples))}, nil
}

// wavHeader is that of one channel of 16-bit samples.
func wavHeader(rate, size uint32) []byte {
	const formatSize, pcm, channels, sampleBytes = 16, 1, 1, 2
	h := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, 36+size)...)
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, formatSize)
	h = binary.LittleEndian.AppendUint16(h, pcm)
	h = binary.LittleEndian.AppendUint16(h, channels)
	h = binary.LittleEndian.AppendUint32(h, rate)
	h = binary.LittleEndian.AppendUint32(h, rate*sampleBytes)
	h = binary.LittleEndian.AppendUint16(h, sampleBytes)
	h = binary.LittleEndian.AppendUint16(h, 8*sampleBytes)
	return binary.LittleEndian.AppendUint32(append(h, "data"...), size)
}
