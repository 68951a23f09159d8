package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

// embedding are the parameters of a vector.
type embedding struct {
	TaskType             string `json:"taskType,omitempty" enum:"RETRIEVAL_QUERY,RETRIEVAL_DOCUMENT,SEMANTIC_SIMILARITY,CLASSIFICATION,CLUSTERING,QUESTION_ANSWERING,FACT_VERIFICATION,CODE_RETRIEVAL_QUERY"`
	Title                string `json:"title,omitempty" jsonschema:"of a document, with RETRIEVAL_DOCUMENT"`
	OutputDimensionality int    `json:"outputDimensionality,omitempty" minimum:"1" jsonschema:"length of the vectors, where they are to be shorter"`
}

type oneEmbedding struct {
	modelName
	Content sdk.Object `json:"content" jsonschema:"what to embed: {parts: [{text}]}"`
	embedding
}

type manyEmbeddings struct {
	modelName
	Contents []sdk.Object `json:"contents" minItems:"1" maxItems:"100" jsonschema:"what to embed, each {parts: [{text}]}; each gets its own vector"`
	embedding
}

func embeddingOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "embed_content", Effect: sdk.Read, Description: "Makes a vector of a text. Refuses models that are not for embedding.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneEmbedding) (out sdk.Object, err error) {
			return out, ask(ctx, call, in.path("embedContent"), in, &out)
		}),
	}, {
		Name: "batch_embed_contents", Effect: sdk.Read, Run: sdk.Func(embedAll),
		Description: "Makes a vector of each of up to 100 texts, in their order. Refuses models that are not for embedding.",
	}}
}

func embedAll(ctx context.Context, call *sdk.Call, in manyEmbeddings) (out sdk.Object, err error) {
	common, err := sdk.Body(in.embedding)
	if err != nil {
		return nil, err
	}
	var requests []sdk.Object
	for _, c := range in.Contents {
		one := sdk.Object{"model": encode(in.full()), "content": encode(c)}
		for name, value := range common {
			one[name] = value
		}
		requests = append(requests, one)
	}
	return out, call.DoLarge(ctx, sdk.Request{Path: in.path("batchEmbedContents"), JSON: map[string]any{"requests": requests}}, maxContentBytes, &out)
}
