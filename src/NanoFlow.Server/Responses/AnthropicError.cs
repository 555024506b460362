// Errors as Anthropic's clients read them.

using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Responses;

internal static class AnthropicError
{
    public static void Write(Utf8JsonWriter json, ApiError error)
    {
        json.WriteString("type"u8, "error"u8);
        json.WriteStartObject("error"u8);
        json.WriteString("type"u8, TypeOf(error.Status));
        json.WriteString("message"u8, error.Message);
        json.WriteEndObject();
    }

    private static string TypeOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound => "not_found_error",
        StatusCodes.Status413PayloadTooLarge => "request_too_large",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status503ServiceUnavailable => "overloaded_error",
        < StatusCodes.Status500InternalServerError => "invalid_request_error",
        _ => "api_error",
    };
}
