package main

import (
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// reason is what one of Slack's codes means and what to do about it.
type reason struct {
	kind   sdk.Kind
	advice string
}

// reasonOf answers what a code means. Slack adds codes at any time: those that the table lacks are read by their form.
func reasonOf(code string) reason {
	for _, row := range reasons {
		for known := range strings.FieldsSeq(row.codes) {
			if known == code {
				return row.reason
			}
		}
	}
	for _, f := range forms {
		if strings.HasPrefix(code, f.prefix) && strings.HasSuffix(code, f.suffix) {
			return f.reason
		}
	}
	return reason{sdk.PlatformError, "look the code up in the documentation of Slack's method."}
}

// reasons is the table of Slack's codes, those of one meaning in a row. Source: the error lists of the methods' pages.
var reasons = []struct {
	codes string
	reason
}{
	// The token.
	{"not_authed invalid_auth", reason{sdk.AuthRevoked, "the token is not good, or is refused from this address. Connect the account again."}},
	{"token_revoked account_inactive", reason{sdk.AuthRevoked, "the token was revoked, its app was removed, or its user or workspace was deleted. Install the app again and connect anew."}},
	{"token_expired", reason{sdk.AuthExpired, "the token has expired."}},
	{"missing_scope", reason{sdk.PermissionDenied, "the token lacks a scope. Add it to the Slack app, install the app again and connect anew."}},
	{"not_allowed_token_type", reason{sdk.PermissionDenied, "this needs a token of another type: a user token (xoxp-) where a bot's was used, or the other way round."}},
	{"bad_token", reason{sdk.PermissionDenied, "another token made this; use that one."}},
	{"no_permission not_authorized access_denied permission_denied team_access_not_granted not_admin not_app_admin", reason{sdk.PermissionDenied, "the token's user or app may not do this here. Invite the app to the channel, or ask an admin."}},
	{"ekm_access_denied accesslimited two_factor_setup_required enterprise_is_restricted feature_not_enabled paid_only paid_teams_only", reason{sdk.PermissionDenied, "the workspace's plan or its admins do not allow this."}},
	{"user_is_bot user_is_restricted user_is_ultra_restricted", reason{sdk.PermissionDenied, "bots or guests cannot do this; use the token of a full member."}},
	{"org_login_required team_added_to_org", reason{sdk.PlatformUnavailable, "the workspace is being moved to an enterprise. Try again when that has ended."}},

	// The service.
	{"ratelimited rate_limited message_limit_exceeded", reason{sdk.RateLimited, "too many calls. Wait before the next."}},
	{"service_unavailable request_timeout request_timeou", reason{sdk.PlatformUnavailable, "Slack could not take the request now. Try again."}},
	{"fatal_error internal_error", reason{sdk.PlatformError, "Slack failed; a part may have been done. Look before you repeat it."}},
	{"fetch_members_failed timezone_count_failed profile_set_failed", reason{sdk.PlatformError, "Slack failed. Try again later."}},
	{"method_deprecated deprecated_endpoint unknown_method upgrade_required", reason{sdk.PlatformError, "Slack no longer has this method. The adapter needs an update."}},

	// Channels.
	{"channel_not_found invalid_channel", reason{sdk.NotFound, "there is no such channel, or the token cannot see it. Give its id (list_channels); a private channel needs the app as a member."}},
	{"not_in_channel", reason{sdk.PermissionDenied, "the app or user is not in the channel. Call join_channel for a public one; have a member invite the app to a private one."}},
	{"is_archived", reason{sdk.Conflict, "the channel is archived. Call unarchive_channel first, or take another channel."}},
	{"name_taken", reason{sdk.Conflict, "a channel, also an archived one, has this name already. Take another name."}},
	{"already_archived not_archived already_in_channel already_pinned already_reacted", reason{sdk.Conflict, "it already is so."}},
	{"restricted_action restricted_action_read_only_channel restricted_action_thread_only_channel restricted_action_non_threadable_channel posting_to_general_channel_denied posting_to_channel_denied", reason{sdk.PermissionDenied, "a setting of the workspace or the channel does not let this token post or act here. Ask an admin."}},
	{"cant_archive_general cant_leave_general cant_kick_from_general cant_kick_self cant_invite_self cant_invite last_member ura_max_channels", reason{sdk.PermissionDenied, "Slack does not allow this for this channel or this person."}},
	{"method_not_supported_for_channel_type not_supported", reason{sdk.InvalidInput, "this does not work with this kind of channel, such as a direct message."}},
	{"invalid_name invalid_name_required invalid_name_maxlength invalid_name_punctuation invalid_name_specials no_channel reserved_name", reason{sdk.InvalidInput, "a channel's name has at most 80 lower case letters, digits, hyphens and underscores, no spaces and no full stops, and is not a reserved word."}},

	// People.
	{"user_not_found users_not_found no_user user_not_visible user_disabled", reason{sdk.NotFound, "there is no such user, or the token cannot see them. Give an id (list_users, lookup_user_by_email)."}},
	{"user_not_in_channel", reason{sdk.NotFound, "the user is not in the channel. Invite them first (invite_to_channel)."}},
	{"users_list_not_supplied not_enough_users too_many_users invalid_user_combination", reason{sdk.InvalidInput, "the users do not fit: a direct message has one to eight others, whom the token can see."}},
	{"invalid_profile cannot_update_admin_user", reason{sdk.InvalidInput, "the profile is not valid, or not to be changed with this token."}},

	// Messages.
	{"message_not_found thread_not_found", reason{sdk.NotFound, "there is no such message in this channel. Give the channel's id and the message's exact ts."}},
	{"cant_update_message cant_delete_message edit_window_closed compliance_exports_prevent_deletion is_inactive", reason{sdk.PermissionDenied, "this message cannot be changed: a token changes only its own, and the workspace may set a time limit."}},
	{"no_text msg_too_long msg_blocks_too_long too_many_attachments invalid_blocks invalid_blocks_format metadata_too_large invalid_metadata_format invalid_metadata_schema too_long", reason{sdk.InvalidInput, "the text or blocks are missing, malformed or too long (text 40,000 characters, 50 blocks, topics and purposes 250)."}},
	{"time_in_past time_too_far invalid_time", reason{sdk.InvalidInput, "post_at must be in the future and at most 120 days away."}},
	{"invalid_scheduled_message_id", reason{sdk.NotFound, "there is no such scheduled message; it may have been sent or cancelled (messages due within 60 seconds cannot be)."}},
	{"bad_timestamp invalid_ts_latest invalid_ts_oldest", reason{sdk.InvalidInput, "a ts looks like 1503435956.000247: seconds, a full stop, six digits."}},

	// Reactions, pins and bookmarks.
	{"no_reaction not_pinned no_pin bookmark_not_found", reason{sdk.NotFound, "there is none to remove."}},
	{"too_many_emoji too_many_reactions bookmark_limit_reached too_many_bookmarks", reason{sdk.Conflict, "there are as many as Slack allows already. Remove one first."}},
	{"not_pinnable no_item_specified unknown_type", reason{sdk.InvalidInput, "the item is missing or of a kind that does not take this."}},

	// Files.
	{"file_not_found file_deleted file_comment_not_found", reason{sdk.NotFound, "there is no such file, or the token cannot see it."}},
	{"file_not_shared", reason{sdk.Conflict, "the file must be shared in the channel first."}},
	{"cant_delete_file", reason{sdk.PermissionDenied, "this token may not delete the file: a bot deletes only its own."}},
	{"file_uploads_disabled file_uploads_except_images_disabled storage_limit_reached file_upload_size_restricted blocked_file_type malware_detected", reason{sdk.PermissionDenied, "the workspace does not take this file: uploads are restricted, its storage is full, or the file's type or size is blocked."}},

	// The request.
	{"invalid_cursor", reason{sdk.InvalidInput, "the cursor is not one of this operation's, or is too old. Begin with the first page."}},
	{"invalid_limit limit_required", reason{sdk.InvalidInput, "give a limit of at most 200."}},
	{"invalid_arguments invalid_types", reason{sdk.InvalidInput, "an argument is not valid."}},
	{"invalid_arg_name invalid_array_arg invalid_charset missing_charset superfluous_charset invalid_form_data invalid_json json_not_object invalid_post_type invalid_post_typ missing_post_type missing_post_typ", reason{sdk.AdapterBug, "the adapter's request was malformed."}},
}

// forms read codes that are not in the table, first match first.
var forms = []struct {
	prefix, suffix string
	reason
}{
	{"", "_not_found", reason{sdk.NotFound, "there is none, or the token cannot see it."}},
	{"invalid_", "", reason{sdk.InvalidInput, "an argument is not valid."}},
	{"missing_", "", reason{sdk.InvalidInput, "an argument is missing."}},
	{"already_", "", reason{sdk.Conflict, "it already is so."}},
	{"too_many_", "", reason{sdk.InvalidInput, "there are too many."}},
	{"", "_too_long", reason{sdk.InvalidInput, "it is too long."}},
	{"restricted_", "", reason{sdk.PermissionDenied, "a setting of the workspace does not allow this. Ask an admin."}},
	{"cant_", "", reason{sdk.PermissionDenied, "this is not allowed here."}},
	{"cannot_", "", reason{sdk.PermissionDenied, "this is not allowed here."}},
	{"not_allowed", "", reason{sdk.PermissionDenied, "this is not allowed here."}},
	{"", "_denied", reason{sdk.PermissionDenied, "this is not allowed here."}},
	{"", "_disabled", reason{sdk.PermissionDenied, "the workspace has this switched off."}},
	{"", "_not_allowed", reason{sdk.PermissionDenied, "this is not allowed here."}},
}
