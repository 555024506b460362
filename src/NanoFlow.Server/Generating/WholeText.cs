// The answer as one document, after the last token of the last choice.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

internal static class WholeText
{
    public static async Task WriteAsync(HttpContext context, Answer answer)
    {
        foreach (var choice in answer.Choices)
        {
            while (await answer.Run.WaitAsync(choice, context.RequestAborted))
            {
                answer.Run.AppendReady(choice);
            }
        }

        await JsonResponse.WriteAsync(
            context,
            StatusCodes.Status200OK,
            json => answer.Request.Format.WriteWhole(json, answer));
    }
}
