// GET /v1/models and /v1/models/{id}: what is served here, under each of its names.

using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Endpoints;

internal sealed class ModelsEndpoint(ServedModel model)
{
    public Task ListAsync(HttpContext context) => JsonResponse.WriteAsync(
        context, StatusCodes.Status200OK, json =>
        {
            json.WriteString("object"u8, "list"u8);
            json.WriteStartArray("data"u8);
            foreach (var name in model.Names)
            {
                json.WriteStartObject();
                Write(json, name);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });

    public Task OneAsync(HttpContext context)
    {
        // A slash in a name may come as it is or escaped.
        var id = Uri.UnescapeDataString((string)context.GetRouteValue("id")!);
        var name = model.Resolve(id);
        return JsonResponse.WriteAsync(
            context, StatusCodes.Status200OK, json => Write(json, name));
    }

    private void Write(Utf8JsonWriter json, string name)
    {
        json.WriteString("id"u8, name);
        json.WriteString("object"u8, "model"u8);
        json.WriteNumber("created"u8, model.Created.ToUnixTimeSeconds());
        json.WriteString("owned_by"u8, "nanoflow"u8);
        json.WriteNumber("max_model_len"u8, model.MaxModelLength);
    }
}
