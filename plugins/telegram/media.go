package main

import "github.com/patchbay/patchbay/sdk"

type photo struct {
	chat
	Photo string `json:"photo,omitempty" jsonschema:"file_id of one that Telegram has, or its https address; leave it out and send the file with the call"`
	caption
	above
	spoiler
	delivery
	keyboard
}

type document struct {
	chat
	Document                    string `json:"document,omitempty" jsonschema:"file_id of one that Telegram has, or its https address (PDF and ZIP); leave it out and send the file with the call"`
	DisableContentTypeDetection *bool  `json:"disable_content_type_detection,omitempty"`
	caption
	delivery
	keyboard
}

type picture struct {
	Duration int `json:"duration,omitempty" minimum:"0" jsonschema:"seconds"`
	Width    int `json:"width,omitempty" minimum:"1"`
	Height   int `json:"height,omitempty" minimum:"1"`
}

type video struct {
	chat
	Video             string `json:"video,omitempty" jsonschema:"file_id of one that Telegram has, or its https address; leave it out and send the file with the call"`
	SupportsStreaming *bool  `json:"supports_streaming,omitempty"`
	StartTimestamp    int    `json:"start_timestamp,omitempty" minimum:"0" jsonschema:"second at which it begins to play"`
	picture
	caption
	above
	spoiler
	delivery
	keyboard
}

type animation struct {
	chat
	Animation string `json:"animation,omitempty" jsonschema:"file_id of one that Telegram has, or its https address; leave it out and send the file with the call"`
	picture
	caption
	above
	spoiler
	delivery
	keyboard
}

type audio struct {
	chat
	Audio     string `json:"audio,omitempty" jsonschema:"file_id of one that Telegram has, or its https address; leave it out and send the file with the call"`
	Duration  int    `json:"duration,omitempty" minimum:"0" jsonschema:"seconds"`
	Performer string `json:"performer,omitempty"`
	Title     string `json:"title,omitempty"`
	caption
	delivery
	keyboard
}

type voice struct {
	chat
	Voice    string `json:"voice,omitempty" jsonschema:"file_id of one that Telegram has, or its https address; leave it out and send the file with the call"`
	Duration int    `json:"duration,omitempty" minimum:"0" jsonschema:"seconds"`
	caption
	delivery
	keyboard
}

type videoNote struct {
	chat
	VideoNote string `json:"video_note,omitempty" jsonschema:"file_id of one that Telegram has; leave it out and send the file with the call"`
	Duration  int    `json:"duration,omitempty" minimum:"0" maximum:"60" jsonschema:"seconds"`
	Length    int    `json:"length,omitempty" minimum:"1" jsonschema:"width and height"`
	delivery
	keyboard
}

type sticker struct {
	chat
	Sticker string `json:"sticker,omitempty" jsonschema:"file_id of one that Telegram has, or the https address of a WEBP; leave it out and send the file with the call"`
	Emoji   string `json:"emoji,omitempty" jsonschema:"that goes with a sticker that is uploaded"`
	delivery
	keyboard
}

type mediaGroup struct {
	chat
	Media []sdk.Object `json:"media" minItems:"2" maxItems:"10" jsonschema:"each {type: photo, video, audio or document, media: file_id, https address, or attach://NAME of a file that comes with the call, caption, parse_mode}; documents and audio do not mix with others"`
	delivery
}

func mediaOperations() []sdk.Operation {
	const files = " Files of the call may have 50 MB, those fetched by address 20 MB."
	return []sdk.Operation{{
		Name: "send_photo", Effect: sdk.Write, TakesFiles: true, Run: sends[photo]("sendPhoto", "photo"),
		Description: "Sends a photo, which Telegram compresses. A photo of the call may have 10 MB, one fetched by address 5 MB; width and height together at most 10000.",
	}, {
		Name: "send_document", Effect: sdk.Write, TakesFiles: true, Run: sends[document]("sendDocument", "document", "thumbnail"),
		Description: "Sends a file of any kind as it is; a second file of the call is its thumbnail." + files,
	}, {
		Name: "send_video", Effect: sdk.Write, TakesFiles: true, Run: sends[video]("sendVideo", "video", "thumbnail", "cover"),
		Description: "Sends an MPEG4 video; a second file of the call is its thumbnail, a third its cover." + files,
	}, {
		Name: "send_animation", Effect: sdk.Write, TakesFiles: true, Run: sends[animation]("sendAnimation", "animation", "thumbnail"),
		Description: "Sends a GIF or a silent MPEG4 video; a second file of the call is its thumbnail." + files,
	}, {
		Name: "send_audio", Effect: sdk.Write, TakesFiles: true, Run: sends[audio]("sendAudio", "audio", "thumbnail"),
		Description: "Sends music, MP3 or M4A, which plays in the music player; a second file of the call is its thumbnail." + files,
	}, {
		Name: "send_voice", Effect: sdk.Write, TakesFiles: true, Run: sends[voice]("sendVoice", "voice"),
		Description: "Sends a voice message: OGG with OPUS, MP3 or M4A; anything else arrives as a file." + files,
	}, {
		Name: "send_video_note", Effect: sdk.Write, TakesFiles: true, Run: sends[videoNote]("sendVideoNote", "video_note", "thumbnail"),
		Description: "Sends a round video of up to a minute. Refuses addresses: Telegram fetches none of these.",
	}, {
		Name: "send_sticker", Effect: sdk.Write, TakesFiles: true, Run: sends[sticker]("sendSticker", "sticker"),
		Description: "Sends a sticker: WEBP, TGS or WEBM.",
	}, {
		Name: "send_media_group", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(album),
		Description: "Sends two to ten photos and videos, or documents, or audio files, as one album. Answers all messages." + files,
	}}
}
