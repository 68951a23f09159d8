package main

import (
	"context"
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/youtube.svg
var youtubeIcon []byte

// yt answers a path of YouTube's Data API.
func yt(path string) string { return "/youtube/v3/" + path }

// youtube is YouTube as data.
func youtube() sdk.Platform {
	return sdk.Platform{
		ID: "youtube", Name: "YouTube", Category: sdk.Media, Icon: youtubeIcon, Website: "https://developers.google.com/youtube/v3",
		Description: "Finds videos and channels, reads comments and captions, manages playlists and comments, and uploads videos.",
		BaseURL:     "https://www.googleapis.com", Hosts: []string{identityHost},
		Auth: []sdk.AuthMethod{oauth("youtube", "YouTube Data API v3"),
			apiKey("For what is public: make an API key at https://console.cloud.google.com/apis/credentials, in a project with the YouTube Data API v3 enabled, and restrict it to that API. What belongs to an account needs the sign-in instead.")},
		Authorize: authorize, Verify: verifyYouTube, Explain: explain,
		VerifyNote: "Costs one of the 10,000 quota units that a Google Cloud project has each day. A search costs 100, most reads 1, most changes 50, an upload about 100.",
		Operations: slices.Concat(watchingOperations(), playlistOperations(), discussionOperations(), publishingOperations()),
	}
}

// verifyYouTube asks for the account's channel; of a key only that it is good can be said.
func verifyYouTube(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	if call.Credential.Method == sdk.MethodAPIKey {
		err := call.Do(ctx, sdk.Request{Path: yt("videoCategories"), Query: sdk.Query("part", "snippet", "regionCode", "US")}, nil)
		return keyAccount(call), err
	}
	var answer struct {
		Items []struct {
			ID      string `json:"id"`
			Snippet struct {
				Title string `json:"title"`
			} `json:"snippet"`
		} `json:"items"`
	}
	if err := call.Do(ctx, sdk.Request{Path: yt("channels"), Query: sdk.Query("part", "snippet", "mine", true)}, &answer); err != nil {
		return sdk.Account{}, err
	}
	if len(answer.Items) == 0 {
		return verify(ctx, call) // an account without a channel
	}
	return sdk.Account{ID: answer.Items[0].ID, Name: answer.Items[0].Snippet.Title}, nil
}

// keyAccount names a key, of which Google does not say whose it is, by its end.
func keyAccount(call *sdk.Call) sdk.Account {
	key := call.Credential.Token()
	name := "API key ending in " + key[max(0, len(key)-4):]
	return sdk.Account{ID: name, Name: name}
}

func watchingOperations() []sdk.Operation {
	read, manage := scope("youtube.readonly"), scope("youtube.force-ssl")
	return []sdk.Operation{
		{Name: "search", Effect: sdk.Read, Scopes: read, Run: sdk.Send[searchYouTubeInput, found](public(endpoint("", yt("search"), "part", "snippet"))), Description: "Finds videos, channels or playlists by words, in pages. Costs 100 of the 10,000 quota units of a day: for the videos of one channel channel_uploads costs 2."},
		{Name: "get_videos", Effect: sdk.Read, Scopes: read, Run: sdk.Send[videosInput, found](public(endpoint("", yt("videos"), "part", allParts))), Description: "Answers up to 50 videos by id: title, description, length, counts. Those that do not exist are left out."},
		{Name: "list_popular_videos", Effect: sdk.Read, Scopes: read, Run: sdk.Send[popularInput, found](public(endpoint("", yt("videos"), "chart", "mostPopular", "part", "snippet,statistics"))), Description: "Lists the most popular videos of a country and category, in pages."},
		{Name: "get_channel", Effect: sdk.Read, Scopes: read, Run: sdk.Send[channelInput, found](public(endpoint("", yt("channels"), "part", allParts))), Description: "Answers a channel by its id or its handle (@name): title, description, counts, and its uploads playlist."},
		{Name: "my_channel", Effect: sdk.Read, Scopes: read, Run: sdk.Send[partsInput, found](endpoint("", yt("channels"), "part", allParts, "mine", true)), Description: "Answers the connected account's own channel. Not with an API key."},
		{Name: "channel_uploads", Effect: sdk.Read, Scopes: read, Run: sdk.Func(channelUploads), Description: "Lists the videos of a channel, newest first, in pages, for 2 quota units."},
		{Name: "list_subscriptions", Effect: sdk.Read, Scopes: read, Run: sdk.Func(listSubscriptions), Description: "Lists the channels that the account, or another channel that shows them, is subscribed to, in pages."},
		{Name: "subscribe", Effect: sdk.Write, Scopes: manage, Run: sdk.Send[subscribeInput, object](fixed(endpoint(http.MethodPost, yt("subscriptions"), "part", "snippet"), object{"snippet": object{"resourceId": object{"kind": "youtube#channel"}}})), Description: "Subscribes the account to a channel. Doing it again answers conflict or invalid_input."},
		{Name: "unsubscribe", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[idQueryInput, sdk.None](endpoint(http.MethodDelete, yt("subscriptions"))), Description: "Ends a subscription, by its own id (of list_subscriptions), not the channel's."},
		{Name: "list_captions", Effect: sdk.Read, Scopes: manage, Run: sdk.Send[captionsInput, found](endpoint("", yt("captions"), "part", "snippet")), Description: "Lists the caption tracks of a video."},
		{Name: "download_captions", Effect: sdk.Read, Scopes: manage, GivesFiles: true, Run: sdk.Func(downloadCaptions), Description: "Gives a caption track as a file. YouTube gives only those of the account's own videos. Costs 200 quota units."},
		{Name: "list_video_categories", Effect: sdk.Read, Scopes: read, Run: sdk.Send[regionInput, found](public(endpoint("", yt("videoCategories"), "part", "snippet"))), Description: "Lists the categories that videos have in a country."},
	}
}

// fixed is the endpoint with properties of the body that are always the same.
func fixed(e sdk.Endpoint, body object) sdk.Endpoint {
	e.Body = body
	return e
}

// found is a list of what YouTube has.
type found struct {
	Items      []object `json:"items"`
	Total      int64    `json:"total,omitempty" from:"pageInfo.totalResults" jsonschema:"about how many there are in all"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

// allParts is what is answered of a video or channel when nobody says otherwise.
const allParts = "snippet,contentDetails,statistics"

type partsInput struct {
	Parts []string `json:"parts,omitempty" to:"query part" join:"," enum:"id,snippet,contentDetails,statistics,status,brandingSettings,topicDetails,player,localizations,liveStreamingDetails,recordingDetails" jsonschema:"what to answer of each; snippet, contentDetails and statistics when left out"`
}

type fifty struct {
	Limit int `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"50" default:"25"`
	paged
}

type searchYouTubeInput struct {
	Query     string `json:"query,omitempty" to:"query q" maxLength:"500"`
	Type      string `json:"type,omitempty" enum:"video,channel,playlist" default:"video"`
	Order     string `json:"order,omitempty" enum:"date,rating,relevance,title,videoCount,viewCount"`
	ChannelID string `json:"channel_id,omitempty" jsonschema:"only of this channel"`
	After     string `json:"published_after,omitempty" to:"query publishedAfter" format:"date-time"`
	Before    string `json:"published_before,omitempty" to:"query publishedBefore" format:"date-time"`
	Region    string `json:"region_code,omitempty" pattern:"^[A-Z]{2}$"`
	Language  string `json:"relevance_language,omitempty"`
	Duration  string `json:"video_duration,omitempty" enum:"any,short,medium,long" jsonschema:"short is under 4 minutes, long over 20; only for videos"`
	Captions  string `json:"video_caption,omitempty" enum:"any,closedCaption,none" jsonschema:"only for videos"`
	Live      string `json:"event_type,omitempty" enum:"completed,live,upcoming" jsonschema:"only for videos"`
	Safe      string `json:"safe_search,omitempty" enum:"none,moderate,strict"`
	fifty
}

type videosInput struct {
	IDs []string `json:"ids" to:"query id" join:"," minItems:"1" maxItems:"50"`
	partsInput
}

type popularInput struct {
	Region   string `json:"region_code,omitempty" pattern:"^[A-Z]{2}$"`
	Category string `json:"category_id,omitempty" to:"query videoCategoryId" jsonschema:"of list_video_categories"`
	fifty
}

type channelInput struct {
	ID     string `json:"id,omitempty" pattern:"^UC[A-Za-z0-9_-]+$"`
	Handle string `json:"handle,omitempty" to:"query forHandle" jsonschema:"such as @GoogleDevelopers"`
	partsInput
}

// Validate refuses what names no channel.
func (in channelInput) Validate() error {
	if in.ID == "" && in.Handle == "" {
		return sdk.Invalid("/id", "give id or handle")
	}
	return nil
}

type uploadsInput struct {
	ChannelID string `json:"channel_id,omitempty" pattern:"^UC[A-Za-z0-9_-]+$" jsonschema:"the account's own when left out"`
	Limit     int    `json:"limit,omitempty" minimum:"1" maximum:"50" default:"25"`
	paged
}

// check fills in what was left out. What is the account's own needs its sign-in.
func (in *uploadsInput) check(call *sdk.Call) error {
	if in.Limit == 0 {
		in.Limit = 25
	}
	if in.ChannelID == "" {
		return call.Needs(signIn()...)
	}
	return nil
}

// channelUploads reads the playlist that each channel has of its uploads, which is cheaper than a search.
func channelUploads(ctx context.Context, call *sdk.Call, in uploadsInput) (found, error) {
	if err := in.check(call); err != nil {
		return found{}, err
	}
	var channel struct {
		Items []struct {
			ContentDetails struct {
				Playlists struct {
					Uploads string `json:"uploads"`
				} `json:"relatedPlaylists"`
			} `json:"contentDetails"`
		} `json:"items"`
	}
	query := sdk.Query("part", "contentDetails", "id", in.ChannelID, "mine", in.ChannelID == "")
	if err := call.Do(ctx, sdk.Request{Path: yt("channels"), Query: query}, &channel); err != nil {
		return found{}, err
	}
	if len(channel.Items) == 0 || channel.Items[0].ContentDetails.Playlists.Uploads == "" {
		return found{}, sdk.Errorf(sdk.NotFound, "YouTube has no such channel, or it has no uploads.")
	}
	return find(ctx, call, "playlistItems", "part", "snippet,contentDetails", "playlistId", channel.Items[0].ContentDetails.Playlists.Uploads, "maxResults", in.Limit, "pageToken", in.Cursor)
}

// find asks for one page of a list.
func find(ctx context.Context, call *sdk.Call, path string, pairs ...any) (found, error) {
	var answer struct {
		Items    []object `json:"items"`
		Next     string   `json:"nextPageToken"`
		PageInfo struct {
			Total int64 `json:"totalResults"`
		} `json:"pageInfo"`
	}
	err := call.Do(ctx, sdk.Request{Path: yt(path), Query: sdk.Query(pairs...)}, &answer)
	if answer.Items == nil {
		answer.Items = []object{}
	}
	return found{Items: answer.Items, Total: answer.PageInfo.Total, NextCursor: answer.Next}, err
}

func listSubscriptions(ctx context.Context, call *sdk.Call, in uploadsInput) (found, error) {
	if err := in.check(call); err != nil {
		return found{}, err
	}
	return find(ctx, call, "subscriptions", "part", "snippet,contentDetails", "channelId", in.ChannelID, "mine", in.ChannelID == "", "maxResults", in.Limit, "pageToken", in.Cursor)
}

type subscribeInput struct {
	ChannelID string `json:"channel_id" to:"body snippet.resourceId.channelId" pattern:"^UC[A-Za-z0-9_-]+$"`
}

type idQueryInput struct {
	ID string `json:"id" to:"query" minLength:"1"`
}

type captionsInput struct {
	VideoID string `json:"video_id" minLength:"1"`
}

type downloadCaptionsInput struct {
	ID       string `json:"id" minLength:"1" jsonschema:"the track's id, of list_captions"`
	Format   string `json:"format,omitempty" enum:"srt,vtt,ttml,sbv,scc" default:"srt"`
	Language string `json:"translate_to,omitempty" pattern:"^[A-Za-z-]{2,10}$" jsonschema:"have YouTube translate it"`
}

func downloadCaptions(ctx context.Context, call *sdk.Call, in downloadCaptionsInput) (sdk.None, error) {
	if err := call.Needs(signIn()...); err != nil {
		return sdk.None{}, err
	}
	if in.Format == "" {
		in.Format = "srt"
	}
	r := sdk.Request{Path: sdk.Path(yt("captions/%s"), in.ID), Query: sdk.Query("tfmt", in.Format, "tlang", in.Language)}
	return sdk.None{}, download(ctx, call, r, "captions."+in.Format, "")
}

type regionInput struct {
	Region string `json:"region_code,omitempty" pattern:"^[A-Z]{2}$" default:"US"`
}
