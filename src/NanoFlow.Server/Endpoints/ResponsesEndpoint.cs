// POST /v1/responses: the next turn of a conversation in OpenAI's newer form. Nothing is stored.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Endpoints;

internal sealed class ResponsesEndpoint(ServerState server)
{
    public Task RunAsync(HttpContext context) =>
        TextEndpoint.RunAsync(context, server, ParseAsync);

    private Task<TextRequest> ParseAsync(RequestFields fields, CancellationToken cancel)
    {
        var name = server.Model.Resolve(fields.Text("model"));
        var own = ResponsesFields.Parse(fields);
        var settings = GenerationSettings.Parse(fields, server);
        ConversationRequest.CheckOneChoice(settings);
        var request = new ConversationRequest
        {
            Format = new ResponsesFormat(own),
            ModelName = name,
            Conversation = new Conversation
            {
                Messages = InputField.Parse(fields),
                Tools = ForeignTools.OfResponses(fields),
                Variables = own.Variables(fields),
            },
            Settings = settings,
            TextFormat = own.Format,
            TextFormatParam = ResponsesFields.FormatName,
            MaxTokens = own.MaxOutputTokens,
            Param = "input",
        };
        return request.ReadyAsync(server, cancel);
    }
}
