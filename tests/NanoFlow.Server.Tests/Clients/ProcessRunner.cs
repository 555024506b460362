// A client in a process of its own: one JSON object a line in, what it saw a line out. One process
// runs every case, because starting it takes longer than a case.

using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;

namespace NanoFlow.Server.Tests.Clients;

internal sealed class ProcessRunner : IClientRunner, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task<string> _errors;

    public ProcessRunner(string name, string folder, string program, params string[] arguments)
    {
        Name = name;
        _process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
        })!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    public string Name { get; }

    public async Task<JsonObject> RunAsync(ClientCase item, string address)
    {
        var job = new JsonObject
        {
            ["address"] = address,
            ["mode"] = item.Mode,
            ["case"] = item.Json.DeepClone(),
        };
        await _process.StandardInput.WriteLineAsync(job.ToJsonString());
        await _process.StandardInput.FlushAsync();
        using var limit = new CancellationTokenSource(Patience);
        var line = await _process.StandardOutput.ReadLineAsync(limit.Token);
        return line is not null
            ? JsonNode.Parse(line)!.AsObject()
            : throw new InvalidOperationException($"{Name} ended: {await _errors}");
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
