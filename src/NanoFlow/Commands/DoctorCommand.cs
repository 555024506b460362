// nanoflow doctor: can this machine serve, and with what? Each check says what it found; the
// program ends with 1 when one failed.

using System.Runtime.InteropServices;
using NanoFlow.Cli;
using NanoFlow.Engine;

namespace NanoFlow.Commands;

internal static class DoctorCommand
{
    // Any size will do: the echo model has no weights.
    private const int EchoVocabulary = 256;

    public static Command Command { get; } = new(
        "doctor",
        null,
        "Checks what this machine has to serve with.",
        [CommonFlags.Json],
        Run);

    private static Task<int> Run(Given given)
    {
        var figures = new Figures();
        figures.Add("runtime", "runtime", RuntimeInformation.FrameworkDescription);
        figures.Add("system", "system", RuntimeInformation.OSDescription);
        figures.Add("architecture", "architecture", $"{RuntimeInformation.ProcessArchitecture}");
        figures.Add("cores", "cores this process may use", Environment.ProcessorCount);
        var ok = TryEngine(figures);
        figures.Add("ok", "ready to serve", ok, ok ? "yes" : "no");
        figures.Write(given.Get(CommonFlags.Json, false));
        return Task.FromResult(ok ? 0 : 1);
    }

    // Starts an engine without weights: the library is there, has the right version, and finds
    // kernels for this processor.
    private static bool TryEngine(Figures figures)
    {
        try
        {
            using var engine = InferenceEngine.Load(
                EngineModel.Echo(EchoVocabulary), new EngineOptions());
            var device = engine.Facts.Device;
            var available = engine.Facts.Memory.Available;
            figures.Add("backend", "backend", device.Name);
            figures.Add("threads", "threads", device.UnitCount);
            figures.Add("instruction_set", "instruction set", device.InstructionSet);
            figures.Add("reason", "why that one", device.Reason);
            figures.Add(
                "available_bytes", "memory available", available, Figures.Bytes(available));
            return true;
        }
        catch (Exception e) when (e is EngineException or DllNotFoundException
            or EntryPointNotFoundException or BadImageFormatException)
        {
            figures.Add("engine_error", "native engine", e.Message);
            return false;
        }
    }
}
