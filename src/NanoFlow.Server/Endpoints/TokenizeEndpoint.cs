// POST /tokenize and /detokenize: what a text or a conversation is in tokens, and back.

using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Endpoints;

internal sealed class TokenizeEndpoint(ServerState server)
{
    private readonly ServedModel _model = server.Model;

    public async Task TokenizeAsync(HttpContext context)
    {
        using var body = await JsonBody.ReadAsync(context);
        var fields = new RequestFields(body.RootElement);
        _model.Resolve(fields.Text("model"));
        var tokens = await TokensAsync(fields, context.RequestAborted);
        IgnoredParams.Report(context, fields, server.Options);
        await JsonResponse.WriteAsync(context, StatusCodes.Status200OK, json =>
        {
            json.WriteNumber("count"u8, tokens.Length);
            json.WriteStartArray("tokens"u8);
            foreach (var token in tokens)
            {
                json.WriteNumberValue(token);
            }

            json.WriteEndArray();
            json.WriteNumber("max_model_len"u8, _model.MaxModelLength);
        });
    }

    public async Task DetokenizeAsync(HttpContext context)
    {
        using var body = await JsonBody.ReadAsync(context);
        var fields = new RequestFields(body.RootElement);
        _model.Resolve(fields.Text("model"));
        if (!fields.TryGet("tokens", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            throw RequestRefusedException.Invalid("'tokens' must be a list of token ids", "tokens");
        }

        var ids = list.EnumerateArray()
            .Select(item => StopFields.TokenId(item, _model.VocabSize, "tokens")).ToArray();
        IgnoredParams.Report(context, fields, server.Options);
        await JsonResponse.WriteAsync(
            context,
            StatusCodes.Status200OK,
            json => json.WriteString(
                "prompt"u8, _model.Tokenizer.Decode(ids, skipSpecialTokens: false)));
    }

    private async Task<int[]> TokensAsync(RequestFields fields, CancellationToken cancel)
    {
        var isChat = fields.TryGet("messages", out _);
        var addSpecialTokens = fields.Bool(FieldTable.AddSpecialTokens.Name) ?? !isChat;
        var prompt = fields.Text("prompt");
        if (isChat == prompt is not null)
        {
            throw RequestRefusedException.Invalid(
                "give either 'prompt' or 'messages'", isChat ? "messages" : "prompt");
        }

        var text = prompt ?? ChatText.Render(server, Conversation.Parse(fields));
        var encoding = isChat
            ? ChatText.Encoding(server, addSpecialTokens)
            : new EncodeOptions { AddSpecialTokens = addSpecialTokens };
        return await _model.EncodeAsync(text, encoding, cancel);
    }
}
