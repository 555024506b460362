// POST /v1/messages and /v1/messages/count_tokens: the next turn of a conversation as Anthropic's
// clients ask for it, and how many tokens it would read.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Endpoints;

internal sealed class MessagesEndpoint(ServerState server)
{
    private static readonly MessagesFormat Format = new();

    public Task RunAsync(HttpContext context) =>
        TextEndpoint.RunAsync(context, server, ParseAsync);

    public async Task CountAsync(HttpContext context)
    {
        using var body = await JsonBody.ReadAsync(context);
        var fields = new RequestFields(body.RootElement);
        server.Model.Resolve(fields.Text("model"));
        UnsupportedFields.Refuse(fields, n: 1);
        var text = ChatText.Render(server, TurnField.Parse(fields));
        var tokens = await server.Model.EncodeAsync(
            text, ChatText.Encoding(server, addSpecialTokens: false), context.RequestAborted);
        IgnoredParams.Report(context, fields, server.Options);
        await JsonResponse.WriteAsync(
            context,
            StatusCodes.Status200OK,
            json => json.WriteNumber("input_tokens"u8, tokens.Length));
    }

    private Task<TextRequest> ParseAsync(RequestFields fields, CancellationToken cancel)
    {
        var name = server.Model.Resolve(fields.Text("model"));
        var settings = GenerationSettings.Parse(fields, server);
        ConversationRequest.CheckOneChoice(settings);
        var stops = StopFields.Strings(fields, server.Options.Caps, "stop_sequences");
        var asked = fields.Integer(FieldTable.MaxTokens) ?? throw RequestRefusedException.Invalid(
            "'max_tokens' is missing", FieldTable.MaxTokens.Name);
        var request = new ConversationRequest
        {
            Format = Format,
            ModelName = name,
            Conversation = TurnField.Parse(fields),
            Settings = stops.Count > 0 ? settings with { StopStrings = stops } : settings,
            MaxTokens = (int)asked,
            Param = "messages",
        };
        return request.ReadyAsync(server, cancel);
    }
}
