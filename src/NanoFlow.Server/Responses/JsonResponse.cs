// Writes one JSON document as a response, straight into the response's pipe.

using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Responses;

internal static class JsonResponse
{
    /// <summary>Text beyond ASCII is written as UTF-8, not as escapes. The content type says JSON,
    /// so nothing here is ever read as HTML.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static async Task WriteAsync(
        HttpContext context, int status, Action<Utf8JsonWriter> body)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        using (var json = new Utf8JsonWriter(response.BodyWriter, WriterOptions))
        {
            json.WriteStartObject();
            body(json);
            json.WriteEndObject();
        }

        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    public static Task WriteErrorAsync(HttpContext context, ApiError error)
    {
        var headers = context.Response.Headers;
        if (error.RetryAfterMs is { } wait)
        {
            headers.RetryAfter = FormattableString.Invariant($"{(wait + 999) / 1000}");
            headers["retry-after-ms"] = FormattableString.Invariant($"{wait}");
        }

        if (error.Status == 401)
        {
            headers.WWWAuthenticate = "Bearer";
        }

        return WriteAsync(
            context,
            error.Status,
            json =>
            {
                if (AnthropicApi.Has(context.Request.Path))
                {
                    AnthropicError.Write(json, error);
                }
                else
                {
                    WriteError(json, error);
                }
            });
    }

    public static void WriteError(Utf8JsonWriter json, ApiError error)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, error.Message);
        json.WriteString("type"u8, error.Type);
        json.WriteString("param"u8, error.Param);
        json.WriteString("code"u8, error.Code);
        json.WriteEndObject();
    }
}
