// What the program says to mistakes: one line that names the flag, and the exit code.

using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("srve", "did you mean serve?")]
    [InlineData("serve", "MODEL is missing")]
    [InlineData("serve MODEL --prt 1", "did you mean --port?")]
    [InlineData("serve MODEL --port", "--port needs a value")]
    [InlineData("serve MODEL --port -1", "--port")]
    [InlineData("serve MODEL --port 65536", "0 to 65535")]
    [InlineData("serve MODEL --port=x", "0 to 65535")]
    [InlineData("serve MODEL --host no.such.host.example", "--host")]
    [InlineData("serve MODEL --device gpu", "auto, cuda, cpu or reference")]
    [InlineData("serve MODEL --device-index 64", "0 to 63")]
    [InlineData("serve MODEL --dtype float32", "auto, bfloat16 or float16")]
    [InlineData("memory STORYTELLER --device cpu --dtype float16", "--dtype is float16")]
    [InlineData("serve MODEL --gpu-memory-utilization 1", "0.1 to 0.99")]
    [InlineData("serve MODEL --gpu-memory-utilization x", "0.1 to 0.99")]
    [InlineData("serve MODEL --max-model-len 1", "--max-model-len")]
    [InlineData("serve MODEL --max-model-len 5000k", "--max-model-len")]
    [InlineData("serve MODEL --max-num-seqs 0", "--max-num-seqs")]
    [InlineData("serve MODEL --max-num-batched-tokens 131073", "--max-num-batched-tokens")]
    [InlineData("serve MODEL --kv-cache-memory-bytes 0", "--kv-cache-memory-bytes")]
    [InlineData("serve MODEL --kv-cache-memory-bytes 9999999999g", "--kv-cache-memory-bytes")]
    [InlineData("serve MODEL --block-size 8", "16, 32, 64 or 128")]
    [InlineData("serve MODEL --threads 1025", "--threads")]
    [InlineData("serve MODEL --seed -1", "--seed")]
    [InlineData("serve MODEL --max-num-queued-reqs 0", "--max-num-queued-reqs")]
    [InlineData("serve MODEL --max-num-queued-tokens 0", "--max-num-queued-tokens")]
    [InlineData("serve MODEL --shutdown-timeout 3601", "--shutdown-timeout")]
    [InlineData("serve MODEL --allowed-origins example.org", "--allowed-origins")]
    [InlineData("serve MODEL --allowed-origins https://example.org/", "--allowed-origins")]
    [InlineData("serve MODEL --allowed-origins [1]", "--allowed-origins")]
    [InlineData("serve MODEL --allowed-origins []", "--allowed-origins")]
    [InlineData("serve MODEL --reasoning-parser o1", "auto, none or think")]
    [InlineData("serve MODEL --max-n 129", "1 to 128")]
    [InlineData("serve MODEL --max-logprobs 21", "0 to 20")]
    [InlineData("serve MODEL --max-stop-strings 0", "1 to 16")]
    [InlineData("serve MODEL --max-logit-bias 1025", "0 to 1024")]
    [InlineData("serve MODEL --strict-params=yes", "true or false")]
    [InlineData("memory STORYTELLER --max-num-seqs 64 --max-num-batched-tokens 63",
        "--max-num-batched-tokens is 63")]
    [InlineData("serve MODEL other", "'other' was not expected")]
    [InlineData("model new --shape giant DIR", "tiny-llama")]
    [InlineData("model new DIR", "--shape is missing")]
    [InlineData("doctor x", "'x' was not expected")]
    [InlineData("simulate --model Llama", "there are Llama-3-8B, ")]
    [InlineData("simulate --model Llama-3-8B --accelerator H20", "there are V100, ")]
    [InlineData("simulate --workload 1000", "--workload: '1000' is not")]
    [InlineData("simulate --workload 0/10", "--workload: '0/10' is not")]
    [InlineData("simulate --dtype int4", "bf16 or fp8")]
    [InlineData("simulate --model Llama-3-8B --devices 3", "divisors of the 8 KV heads")]
    [InlineData("simulate --model Llama-3-8B --accelerator cpu-64 --devices 2", "no network")]
    [InlineData("simulate --model Llama-3-8B --accelerator V100 --dtype fp8", "no figure for fp8")]
    [InlineData("bench kernels MODEL", "'MODEL' was not expected")]
    [InlineData("bench kernels --threads 0", "numbers from 1 to 255")]
    [InlineData("bench kernels --threads 1,,2", "'1,,2' is not")]
    [InlineData("bench kernels --isa sse", "one of scalar, avx2, avx512, avx512bf16")]
    [InlineData("bench kernels --min-time 61s", "1ms to 60s")]
    [InlineData("bench kernels --min-time 5", "1ms to 60s")]
    [InlineData("bench kernels --shape 4096", "two numbers from 1 to 1048576")]
    [InlineData("bench kernels --shape 64x0", "two numbers from 1 to 1048576")]
    [InlineData("bench kernels --filter gem_", "no kernel or shape")]
    [InlineData("bench serve", "URL is missing")]
    [InlineData("bench serve localhost:8000", "is no URL such as http://127.0.0.1:8000")]
    [InlineData("bench serve http://h --num-prompts 0", "1 to 1000000")]
    [InlineData("bench serve http://h --burstiness 2", "--burstiness needs a number")]
    [InlineData("bench serve http://h --pairs 2", "--pairs needs --compare-with")]
    [InlineData("bench serve http://h --compare-with h", "--compare-with: 'h' is no URL")]
    [InlineData("bench serve http://h --dataset-name trace", "needs --trace FILE")]
    [InlineData("bench serve http://h --dataset-name random --trace x", "for --dataset-name trace")]
    [InlineData("bench serve http://h --request-rate trace", "for --dataset-name trace")]
    [InlineData("bench serve http://h --max-input-len 5", "for --dataset-name trace")]
    [InlineData("bench serve http://h --trace x --input-len 5", "for --dataset-name random")]
    [InlineData("bench serve http://h --goodput tfft:5", "--goodput: 'tfft:5' is not ttft:MS")]
    public async Task Usage_Wrong_EndsWith2AndOneLine(string arguments, string says)
    {
        var finished = await NanoFlowProcess.RunAsync(
            arguments.Replace("STORYTELLER", NanoFlowProcess.Storyteller).Split(' '));

        Assert.Equal(2, finished.ExitCode);
        Assert.Contains(says, Assert.Single(finished.ErrorLines));
        Assert.Empty(finished.Output);
    }

    [Theory]
    [InlineData("serve /no/such/folder", "/no/such/folder")]
    [InlineData("memory /no/such/folder", "/no/such/folder")]
    [InlineData("model inspect /no/such/folder", "/no/such/folder")]
    [InlineData("memory STORYTELLER --kv-cache-memory-bytes 900000g --max-num-seqs 16384 "
        + "--max-num-batched-tokens 131072", "--kv-cache-memory-bytes")]
    [InlineData("serve STORYTELLER --kv-cache-memory-bytes 900000g --max-num-seqs 16384 "
        + "--max-num-batched-tokens 131072 --port 0", "--kv-cache-memory-bytes")]
    [InlineData("serve STORYTELLER --max-model-len 385 --port 0", "--max-model-len is 385")]
    [InlineData("simulate --model Llama-3-70B", "Llama-3-70B has 141 GB of weights")]
    [InlineData("simulate --models /no/such/file", "/no/such/file")]
    [InlineData("serve STORYTELLER --plan /no/such/plan --port 0", "/no/such/plan")]
    [InlineData("bench kernels --shape 1048576x1048576", "of 1048576x1048576 needs")]
    [InlineData("bench serve http://127.0.0.1:1 --trace /no/such/trace", "/no/such/trace")]
    public async Task Command_Impossible_EndsWith1AndOneLine(string arguments, string says)
    {
        var finished = await NanoFlowProcess.RunAsync(
            arguments.Replace("STORYTELLER", NanoFlowProcess.Storyteller).Split(' '));

        Assert.Equal(1, finished.ExitCode);
        var complaint = Assert.Single(
            finished.ErrorLines, line => !line.StartsWith("loading", StringComparison.Ordinal));
        Assert.Contains(says, complaint);
        Assert.DoesNotContain("   at ", finished.Errors);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("--version")]
    [InlineData("serve --help")]
    [InlineData("memory --help")]
    [InlineData("doctor --help")]
    [InlineData("bench kernels --help")]
    [InlineData("simulate --help")]
    [InlineData("bench serve --help")]
    [InlineData("bench throughput --help")]
    [InlineData("model inspect --help")]
    [InlineData("model new --help")]
    public async Task Help_IsGiven(string arguments)
    {
        var finished = await NanoFlowProcess.RunAsync(arguments.Split(' '));

        Assert.Equal(0, finished.ExitCode);
        Assert.Empty(finished.Errors);
        Assert.All(
            finished.Output.Split('\n'), line => Assert.True(line.Length <= 100, line));
        Assert.Contains("nanoflow", finished.Output);
    }

    [Fact]
    public async Task Variable_OutOfRange_IsNamed()
    {
        var finished = await NanoFlowProcess.RunAsync(
            ["serve", "MODEL"], ("NANOFLOW_MAX_MODEL_LEN", "1"));

        Assert.Equal(2, finished.ExitCode);
        Assert.Contains("NANOFLOW_MAX_MODEL_LEN", Assert.Single(finished.ErrorLines));
    }

    [Fact]
    public async Task Variable_IsUsedUnlessTheFlagIsGiven()
    {
        var variable = await LongestAsync([]);
        var flag = await LongestAsync(["--max-model-len", "128"]);

        Assert.Equal(64, variable);
        Assert.Equal(128, flag);

        static async Task<int> LongestAsync(string[] flags)
        {
            var finished = await NanoFlowProcess.RunAsync(
                ["memory", NanoFlowProcess.Storyteller, "--json", .. flags],
                ("NANOFLOW_MAX_MODEL_LEN", "64"));
            return JsonDocument.Parse(finished.Output).RootElement
                .GetProperty("max_model_len").GetInt32();
        }
    }

    [Fact]
    public async Task Port_InUse_IsOneLine()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var finished = await NanoFlowProcess.RunAsync(
            ["serve", NanoFlowProcess.Storyteller, "--port", $"{port}"]);

        Assert.Equal(1, finished.ExitCode);
        Assert.Contains($"{port}", Assert.Single(finished.ErrorLines));
    }

    [Fact]
    public async Task Memory_Figures_AddUp()
    {
        var finished = await NanoFlowProcess.RunAsync(
            ["memory", NanoFlowProcess.Storyteller, "--json", "--kv-cache-memory-bytes", "16m"]);
        var json = JsonDocument.Parse(finished.Output).RootElement;
        string[] parts =
            ["weights", "activations", "sampling", "step_buffers", "kv_cache", "reserve"];

        Assert.Equal(0, finished.ExitCode);
        Assert.Equal(
            parts.Sum(part => json.GetProperty(part + "_bytes").GetInt64()),
            json.GetProperty("total_bytes").GetInt64());
        Assert.InRange(json.GetProperty("kv_cache_bytes").GetInt64(), 15 << 20, 16 << 20);
    }

    [Fact]
    public async Task Doctor_OnAMachineThatBuiltUs_IsContent()
    {
        var json = await DoctorAsync();

        Assert.True(json.GetProperty("ok").GetBoolean());
        Assert.Equal("cpu", json.GetProperty("backend").GetString());
        Assert.True(File.Exists(json.GetProperty("native_library").GetString()));
    }

    [Fact]
    public async Task Doctor_Gpu_IsDescribedOrSaysWhyThereIsNone()
    {
        var json = await DoctorAsync();

        if (json.GetProperty("cuda").GetBoolean())
        {
            Assert.True(json.GetProperty("gpu_0_units").GetInt32() > 0);
            Assert.True(json.GetProperty("gpu_0_memory_bytes").GetInt64() > 0);
        }
        else
        {
            Assert.NotEmpty(json.GetProperty("cuda_problem").GetString()!);
        }
    }

    // What --device auto takes is what doctor has found, and --device cuda says the same as it.
    [Fact]
    public async Task Device_Auto_IsTheGpuThatDoctorFinds()
    {
        var json = await DoctorAsync();
        var auto = await NanoFlowProcess.RunAsync(
            ["memory", NanoFlowProcess.Storyteller, "--json"]);
        var cuda = await NanoFlowProcess.RunAsync(
            ["memory", NanoFlowProcess.Storyteller, "--device", "cuda"]);

        var hasGpu = json.GetProperty("cuda").GetBoolean();
        Assert.Equal(
            hasGpu ? "cuda" : "cpu",
            JsonDocument.Parse(auto.Output).RootElement.GetProperty("device").GetString());
        Assert.Equal(hasGpu ? 0 : 1, cuda.ExitCode);
        if (!hasGpu)
        {
            Assert.Contains(json.GetProperty("cuda_problem").GetString()!, cuda.Errors);
        }
    }

    [Fact]
    public async Task Model_NewThenInspect_ShowsTheShape()
    {
        var folder = Directory.CreateTempSubdirectory("nanoflow-cli-tests-").FullName;
        var path = Path.Combine(folder, "tiny");
        var made = await NanoFlowProcess.RunAsync(
            ["model", "new", "--shape", "tiny-llama", path, "--json"]);
        var again = await NanoFlowProcess.RunAsync(
            ["model", "new", "--shape", "tiny-llama", path]);
        var seen = await NanoFlowProcess.RunAsync(["model", "inspect", path, "--json"]);
        Directory.Delete(folder, recursive: true);

        Assert.Equal(0, made.ExitCode);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("not empty", again.Errors);
        Assert.Equal(
            JsonDocument.Parse(made.Output).RootElement.GetProperty("parameters").GetInt64(),
            JsonDocument.Parse(seen.Output).RootElement.GetProperty("parameters").GetInt64());
    }

    private static async Task<JsonElement> DoctorAsync()
    {
        var finished = await NanoFlowProcess.RunAsync(["doctor", "--json"]);
        Assert.Equal(0, finished.ExitCode);
        return JsonDocument.Parse(finished.Output).RootElement;
    }
}
