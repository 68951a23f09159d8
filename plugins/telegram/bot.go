package main

import "github.com/patchbay/patchbay/sdk"

type scoped struct {
	Scope        sdk.Object `json:"scope,omitempty" jsonschema:"for whom: {type: default}, {type: all_private_chats}, {type: all_group_chats}, {type: chat, chat_id} and others"`
	LanguageCode string     `json:"language_code,omitempty" maxLength:"2" jsonschema:"two letters; all languages without one of their own when left out"`
}

type commands struct {
	Commands []sdk.Object `json:"commands" maxItems:"100" jsonschema:"each {command: lower case letters, digits and _, description}"`
	scoped
}

type language struct {
	LanguageCode string `json:"language_code,omitempty" maxLength:"2" jsonschema:"two letters"`
}

type botName struct {
	Name string `json:"name,omitempty" maxLength:"64" jsonschema:"empty to remove it for the language"`
	language
}

type botDescription struct {
	Description string `json:"description,omitempty" maxLength:"512"`
	language
}

type botShortDescription struct {
	ShortDescription string `json:"short_description,omitempty" maxLength:"120"`
	language
}

type privateChat struct {
	ChatID int64 `json:"chat_id,omitempty" minimum:"1" jsonschema:"a private chat; the default when left out"`
}

type menuButton struct {
	privateChat
	MenuButton sdk.Object `json:"menu_button,omitempty" jsonschema:"{type: commands}, {type: web_app, text, web_app: {url}} or {type: default}"`
}

func botOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "get_me", Effect: sdk.Read, Run: asks[sdk.None]("getMe"), Description: "Tells who the bot is: id, name, username, and whether it may join groups and read all their messages."},
		{Name: "set_my_commands", Effect: sdk.Idempotent, Run: does[commands]("setMyCommands"), Description: "Sets the commands that people are offered, for all or for some."},
		{Name: "get_my_commands", Effect: sdk.Read, Run: lists[scoped]("getMyCommands"), Description: "Lists the bot's commands for one scope and language."},
		{Name: "delete_my_commands", Effect: sdk.Idempotent, Run: does[scoped]("deleteMyCommands"), Description: "Removes the bot's commands for one scope and language."},
		{Name: "set_my_name", Effect: sdk.Idempotent, Run: does[botName]("setMyName"), Description: "Sets the bot's name. Telegram allows it a few times a day."},
		{Name: "get_my_name", Effect: sdk.Read, Run: asks[language]("getMyName"), Description: "Tells the bot's name in a language."},
		{Name: "set_my_description", Effect: sdk.Idempotent, Run: does[botDescription]("setMyDescription"), Description: "Sets what an empty chat with the bot shows."},
		{Name: "get_my_description", Effect: sdk.Read, Run: asks[language]("getMyDescription"), Description: "Tells what an empty chat with the bot shows."},
		{Name: "set_my_short_description", Effect: sdk.Idempotent, Run: does[botShortDescription]("setMyShortDescription"), Description: "Sets what the bot's profile shows."},
		{Name: "get_my_short_description", Effect: sdk.Read, Run: asks[language]("getMyShortDescription"), Description: "Tells what the bot's profile shows."},
		{Name: "set_chat_menu_button", Effect: sdk.Idempotent, Run: does[menuButton]("setChatMenuButton"), Description: "Sets the button beside the input of a private chat, or the default one."},
		{Name: "get_chat_menu_button", Effect: sdk.Read, Run: asks[privateChat]("getChatMenuButton"), Description: "Tells the button beside the input of a private chat, or the default one."},
	}
}
