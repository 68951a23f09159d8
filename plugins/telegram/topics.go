package main

import "github.com/patchbay/patchbay/sdk"

type newTopic struct {
	chat
	Name              string `json:"name" minLength:"1" maxLength:"128"`
	IconColor         int    `json:"icon_color,omitempty" jsonschema:"one of 7322096, 16766590, 13338331, 9367192, 16749490, 16478047"`
	IconCustomEmojiID string `json:"icon_custom_emoji_id,omitempty"`
}

type topic struct {
	chat
	MessageThreadID int64 `json:"message_thread_id" minimum:"1" jsonschema:"the topic's id"`
}

type changedTopic struct {
	topic
	Name              string  `json:"name,omitempty" maxLength:"128"`
	IconCustomEmojiID *string `json:"icon_custom_emoji_id,omitempty" jsonschema:"an empty text removes the icon"`
}

func topicOperations() []sdk.Operation {
	const admin = " The bot must be an administrator who may manage topics, unless it made the topic."
	return []sdk.Operation{
		{Name: "create_forum_topic", Effect: sdk.Write, Run: asks[newTopic]("createForumTopic"), Description: "Opens a topic in a forum. Answers its message_thread_id. Refuses groups that are no forum." + admin},
		{Name: "edit_forum_topic", Effect: sdk.Idempotent, Run: does[changedTopic]("editForumTopic"), Description: "Changes the name or icon of a topic. Answers conflict where nothing would change." + admin},
		{Name: "close_forum_topic", Effect: sdk.Idempotent, Run: does[topic]("closeForumTopic"), Description: "Closes a topic: only administrators write in it then." + admin},
		{Name: "reopen_forum_topic", Effect: sdk.Idempotent, Run: does[topic]("reopenForumTopic"), Description: "Opens a closed topic again." + admin},
		{Name: "delete_forum_topic", Effect: sdk.Idempotent, Run: does[topic]("deleteForumTopic"), Description: "Deletes a topic with all its messages for good." + admin},
		{Name: "unpin_all_forum_topic_messages", Effect: sdk.Idempotent, Run: does[topic]("unpinAllForumTopicMessages"), Description: "Unpins all messages of a topic." + admin},
	}
}
