package main

import (
	"context"
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

func playlistOperations() []sdk.Operation {
	read, manage := scope("youtube.readonly"), scope("youtube.force-ssl")
	both := []any{"part", "snippet,status"}
	return []sdk.Operation{
		{Name: "list_playlists", Effect: sdk.Read, Scopes: read, Run: sdk.Func(listPlaylists), Description: "Lists the playlists of a channel, or of the account, in pages."},
		{Name: "list_playlist_items", Effect: sdk.Read, Scopes: read, Run: sdk.Send[playlistItemsInput, found](public(endpoint("", yt("playlistItems"), "part", "snippet,contentDetails,status"))), Description: "Lists the videos in a playlist, in its order, in pages."},
		{Name: "create_playlist", Effect: sdk.Write, Scopes: manage, Run: sdk.Send[createPlaylistInput, object](endpoint(http.MethodPost, yt("playlists"), both...)), Description: "Makes a playlist, private unless said otherwise."},
		{Name: "update_playlist", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[updatePlaylistInput, object](endpoint(http.MethodPut, yt("playlists"), both...)), Description: "Replaces a playlist's title, description and privacy: a description that is not given is emptied."},
		{Name: "delete_playlist", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[idQueryInput, sdk.None](endpoint(http.MethodDelete, yt("playlists"))), Description: "Deletes a playlist for good; its videos stay."},
		{Name: "add_to_playlist", Effect: sdk.Write, Scopes: manage, Run: sdk.Send[addItemInput, object](fixed(endpoint(http.MethodPost, yt("playlistItems"), "part", "snippet"), object{"snippet": object{"resourceId": object{"kind": "youtube#video"}}})), Description: "Adds a video to a playlist of the account's own. The same video can be in it twice."},
		{Name: "remove_from_playlist", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[idQueryInput, sdk.None](endpoint(http.MethodDelete, yt("playlistItems"))), Description: "Takes an entry out of a playlist, by the entry's own id (of list_playlist_items), not the video's."},
	}
}

func discussionOperations() []sdk.Operation {
	manage := scope("youtube.force-ssl") // Google wants this one for reading comments too
	return []sdk.Operation{
		{Name: "list_comments", Effect: sdk.Read, Scopes: manage, Run: sdk.Send[threadsInput, found](public(endpoint("", yt("commentThreads"), "part", "snippet,replies"))), Description: "Lists the comments on a video, with up to five replies each (list_replies has all), in pages. Videos with comments turned off are refused."},
		{Name: "list_replies", Effect: sdk.Read, Scopes: manage, Run: sdk.Send[repliesInput, found](public(endpoint("", yt("comments"), "part", "snippet"))), Description: "Lists the replies to a comment, in pages."},
		{Name: "add_comment", Effect: sdk.Write, Scopes: manage, Run: sdk.Send[addCommentInput, object](endpoint(http.MethodPost, yt("commentThreads"), "part", "snippet")), Description: "Comments on a video as the account. Everybody can read it."},
		{Name: "reply_to_comment", Effect: sdk.Write, Scopes: manage, Run: sdk.Send[replyCommentInput, object](endpoint(http.MethodPost, yt("comments"), "part", "snippet")), Description: "Replies to a comment (not to a reply) as the account."},
		{Name: "update_comment", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[updateCommentInput, object](endpoint(http.MethodPut, yt("comments"), "part", "snippet")), Description: "Replaces the text of an own comment."},
		{Name: "delete_comment", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[idQueryInput, sdk.None](endpoint(http.MethodDelete, yt("comments"))), Description: "Deletes an own comment for good."},
		{Name: "moderate_comments", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[moderateInput, sdk.None](endpoint(http.MethodPost, yt("comments/setModerationStatus"))), Description: "Publishes, holds back or rejects comments on the account's own videos; with rejected it can ban their author."},
	}
}

func publishingOperations() []sdk.Operation {
	manage, upload := scope("youtube.force-ssl"), scope("youtube.upload")
	return []sdk.Operation{
		{Name: "upload_video", Effect: sdk.Write, Scopes: upload, TakesFiles: true, Run: sdk.Func(uploadVideo), Description: "Uploads the one file that comes with the call as a video, by Google's resumable protocol, private unless said otherwise. Projects that Google has not audited can upload private videos only. YouTube works on it for a while afterwards (get_videos with the part status says how far it is)."},
		{Name: "update_video", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Func(updateVideo), Description: "Changes a video's title, description, tags, category or privacy; what is not given stays. Reads the video first."},
		{Name: "delete_video", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[idQueryInput, sdk.None](endpoint(http.MethodDelete, yt("videos"))), Description: "Deletes an own video for good."},
		{Name: "set_thumbnail", Effect: sdk.Idempotent, Scopes: upload, TakesFiles: true, Run: sdk.Func(setThumbnail), Description: "Makes the one image that comes with the call (JPEG or PNG, at most 2 MB) the picture of an own video. The channel must be verified."},
		{Name: "rate_video", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[rateInput, sdk.None](endpoint(http.MethodPost, yt("videos/rate"))), Description: "Likes or dislikes a video as the account, or takes that back with none."},
	}
}

func listPlaylists(ctx context.Context, call *sdk.Call, in uploadsInput) (found, error) {
	if err := in.check(call); err != nil {
		return found{}, err
	}
	return find(ctx, call, "playlists", "part", "snippet,contentDetails,status", "channelId", in.ChannelID, "mine", in.ChannelID == "", "maxResults", in.Limit, "pageToken", in.Cursor)
}

type playlistItemsInput struct {
	PlaylistID string `json:"playlist_id" minLength:"1"`
	fifty
}

type playlistBody struct {
	Title       string `json:"title" to:"body snippet.title" minLength:"1" maxLength:"150"`
	Description string `json:"description,omitempty" to:"body snippet.description" maxLength:"5000"`
	Privacy     string `json:"privacy,omitempty" to:"body status.privacyStatus" enum:"private,unlisted,public" default:"private"`
}

type createPlaylistInput struct{ playlistBody }

type updatePlaylistInput struct {
	ID string `json:"id" to:"body id" minLength:"1"`
	playlistBody
}

type addItemInput struct {
	PlaylistID string `json:"playlist_id" to:"body snippet.playlistId" minLength:"1"`
	VideoID    string `json:"video_id" to:"body snippet.resourceId.videoId" minLength:"1"`
	Position   *int   `json:"position,omitempty" to:"body snippet.position" minimum:"0" jsonschema:"from 0; at the end when left out"`
}

type hundred struct {
	Limit int `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"100" default:"20"`
	paged
}

type threadsInput struct {
	VideoID string `json:"video_id" minLength:"1"`
	Order   string `json:"order,omitempty" enum:"time,relevance" default:"time"`
	Query   string `json:"query,omitempty" to:"query searchTerms" jsonschema:"only those with these words"`
	hundred
}

type repliesInput struct {
	ParentID string `json:"comment_id" to:"query parentId" minLength:"1"`
	hundred
}

type addCommentInput struct {
	VideoID string `json:"video_id" to:"body snippet.videoId" minLength:"1"`
	Text    string `json:"text" to:"body snippet.topLevelComment.snippet.textOriginal" minLength:"1" maxLength:"10000"`
}

type replyCommentInput struct {
	ParentID string `json:"comment_id" to:"body snippet.parentId" minLength:"1"`
	Text     string `json:"text" to:"body snippet.textOriginal" minLength:"1" maxLength:"10000"`
}

type updateCommentInput struct {
	ID   string `json:"id" to:"body id" minLength:"1"`
	Text string `json:"text" to:"body snippet.textOriginal" minLength:"1" maxLength:"10000"`
}

type moderateInput struct {
	IDs    []string `json:"ids" to:"query id" join:"," minItems:"1" maxItems:"50"`
	Status string   `json:"status" to:"query moderationStatus" enum:"heldForReview,published,rejected"`
	Ban    bool     `json:"ban_author,omitempty" to:"query banAuthor"`
}

type rateInput struct {
	ID     string `json:"id" to:"query" minLength:"1" jsonschema:"the video's id"`
	Rating string `json:"rating" to:"query" enum:"like,dislike,none"`
}

// videoBody is what people change of a video.
type videoBody struct {
	Description string   `json:"description,omitempty" maxLength:"5000"`
	Tags        []string `json:"tags,omitempty" maxItems:"100"`
	CategoryID  string   `json:"category_id,omitempty" pattern:"^[0-9]+$" jsonschema:"of list_video_categories"`
	Privacy     string   `json:"privacy,omitempty" enum:"private,unlisted,public"`
	PublishAt   string   `json:"publish_at,omitempty" format:"date-time" jsonschema:"when a private video becomes public"`
	ForKids     *bool    `json:"made_for_kids,omitempty"`
}

// put puts what is given into a video's two parts.
func (in videoBody) put(title string, snippet, status object) {
	for name, value := range map[string]string{"title": title, "description": in.Description, "categoryId": in.CategoryID} {
		if value != "" {
			snippet[name] = value
		}
	}
	if in.Tags != nil {
		snippet["tags"] = in.Tags
	}
	if in.Privacy != "" {
		status["privacyStatus"] = in.Privacy
	}
	if in.PublishAt != "" {
		status["privacyStatus"], status["publishAt"] = "private", in.PublishAt
	}
	if in.ForKids != nil {
		status["selfDeclaredMadeForKids"] = *in.ForKids
	}
}

type uploadVideoInput struct {
	Title string `json:"title" minLength:"1" maxLength:"100"`
	videoBody
	Notify *bool `json:"notify_subscribers,omitempty"`
}

func uploadVideo(ctx context.Context, call *sdk.Call, in uploadVideoInput) (object, error) {
	if err := call.Needs(signIn()...); err != nil {
		return nil, err
	}
	file, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	snippet, status := object{}, object{"privacyStatus": "private"}
	in.put(in.Title, snippet, status)
	var out object
	query := sdk.Query("part", "snippet,status", "notifySubscribers", in.Notify)
	return out, resumable(ctx, call, http.MethodPost, "/upload"+yt("videos"), query, object{"snippet": snippet, "status": status}, file, &out)
}

type updateVideoInput struct {
	ID    string `json:"id" minLength:"1"`
	Title string `json:"title,omitempty" maxLength:"100"`
	videoBody
}

// updateVideo reads the video first: YouTube empties what an update leaves out.
func updateVideo(ctx context.Context, call *sdk.Call, in updateVideoInput) (object, error) {
	if err := call.Needs(signIn()...); err != nil {
		return nil, err
	}
	now, err := find(ctx, call, "videos", "part", "snippet,status", "id", in.ID)
	if err != nil {
		return nil, err
	}
	if len(now.Items) == 0 {
		return nil, sdk.Errorf(sdk.NotFound, "YouTube has no such video, or not for this account.")
	}
	snippet, status := kept(now.Items[0]["snippet"], "title", "description", "tags", "categoryId", "defaultLanguage"),
		kept(now.Items[0]["status"], "privacyStatus", "publishAt", "license", "embeddable", "publicStatsViewable", "selfDeclaredMadeForKids")
	in.put(in.Title, snippet, status)
	var out object
	return out, call.Do(ctx, sdk.Request{Method: http.MethodPut, Path: yt("videos"), Query: sdk.Query("part", "snippet,status"),
		JSON: object{"id": in.ID, "snippet": snippet, "status": status}}, &out)
}

// kept answers the named properties of an object.
func kept(from any, names ...string) object {
	out, all := object{}, object{}
	if o, ok := from.(object); ok {
		all = o
	}
	for _, name := range names {
		if value, ok := all[name]; ok {
			out[name] = value
		}
	}
	return out
}

type thumbnailInput struct {
	VideoID string `json:"video_id" minLength:"1"`
}

func setThumbnail(ctx context.Context, call *sdk.Call, in thumbnailInput) (found, error) {
	if err := call.Needs(signIn()...); err != nil {
		return found{}, err
	}
	file, err := call.OneFile(ctx)
	if err != nil {
		return found{}, err
	}
	var answer found
	err = call.Do(ctx, sdk.Request{Path: "/upload" + yt("thumbnails/set"), Query: sdk.Query("videoId", in.VideoID, "uploadType", "media"),
		Body: file, ContentType: mediaType(file)}, &answer)
	if answer.Items == nil {
		answer.Items = []object{}
	}
	return answer, err
}
