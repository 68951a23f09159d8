package main

import "github.com/patchbay/patchbay/sdk"

func blockOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "get_block", Effect: sdk.Read, Run: sdk.Send[blockInput, object](get("/v1/blocks/{block_id}")), Description: "Answers one block, without what is below it."},
		{Name: "list_block_children", Effect: sdk.Read, Run: sdk.Send[childrenInput, page](get("/v1/blocks/{block_id}/children")), Description: "Lists the blocks directly below a block or page, in pages. Those with has_children have further ones below."},
		{Name: "append_block_children", Effect: sdk.Write, Run: sdk.Send[appendInput, page](patch("/v1/blocks/{block_id}/children")), Description: "Adds blocks at the end of a block or page, or after one of its blocks: 100 at most, nested two levels deep. Needs the capability to insert content."},
		{Name: "update_block", Effect: sdk.Idempotent, Run: sdk.Send[updateBlockInput, object](patch("/v1/blocks/{block_id}")), Description: "Replaces the text or another value of a block: content is an object named after the block's type, such as {\"to_do\":{\"checked\":true}}. The type cannot be changed. With archived false it takes the block out of the trash."},
		{Name: "delete_block", Effect: sdk.Idempotent, Run: sdk.Send[blockInput, object](remove("/v1/blocks/{block_id}")), Description: "Moves a block, or a page or database by its id, to the trash with all that is below it."},
	}
}

type blockInput struct {
	BlockID string `json:"block_id" minLength:"1" jsonschema:"the block's id; a page's works too"`
}

type childrenInput struct {
	blockInput
	paged
}

type appendInput struct {
	blockInput
	Children []object `json:"children" minItems:"1" maxItems:"100" jsonschema:"blocks, such as {\"paragraph\":{\"rich_text\":[{\"text\":{\"content\":\"Hello\"}}]}}"`
	After    string   `json:"after,omitempty" jsonschema:"id of the block to put them after"`
}

type updateBlockInput struct {
	blockInput
	Content  object `json:"content,omitempty" to:"body ." jsonschema:"the new value under the block's type"`
	Archived *bool  `json:"archived,omitempty"`
}
