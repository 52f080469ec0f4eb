using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Hanbae.Grpc.Server;

namespace Hanbae.Grpc.Tests;

/// <summary>Our server, asked by a client of Go's gRPC: containerd's <c>ctr version</c>.</summary>
public sealed class GoClientTests : IDisposable
{
    const string Ctr = "/usr/bin/ctr";

    static readonly GrpcMethod<Empty, StringValue> s_version = new("containerd.services.version.v1.Version", "Version", Empty.Parser, StringValue.Parser);

    readonly string _directory = Directory.CreateTempSubdirectory("hanbae-grpc-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [CtrFact]
    public async Task Answers_arrive()
    {
        var (code, output, _) = await AskAsync(new GrpcService().Unary(s_version, (_, _) => Task.FromResult(new StringValue { Value = "9.8.7" })));
        Assert.Contains("9.8.7", output);
        Assert.Equal(1, code); // it goes on to ask a service that is not there
    }

    [CtrFact]
    public async Task Statuses_arrive_with_their_text()
    {
        var (code, _, error) = await AskAsync(new GrpcService().Unary(s_version, (_, _) => throw new GrpcException(GrpcStatus.Aborted, "100% wörk")));
        Assert.Equal(1, code);
        Assert.Contains("100% wörk", error);
    }

    [CtrFact]
    public async Task An_unknown_service_is_unimplemented()
    {
        var (code, _, error) = await AskAsync(new GrpcService());
        Assert.Equal(1, code);
        Assert.Contains("rpc error: code = Unimplemented desc = unknown service containerd.services.version.v1.Version", error);
    }

    async Task<(int Code, string Output, string Error)> AskAsync(GrpcService service)
    {
        await using var server = await GrpcServer.StartAsync($"unix://{_directory}/s.sock", service);
        var start = new ProcessStartInfo(Ctr, ["-a", _directory + "/s.sock", "version"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var ctr = Process.Start(start)!;
        var (output, error) = (ctr.StandardOutput.ReadToEndAsync(), ctr.StandardError.ReadToEndAsync());
        await ctr.WaitForExitAsync();
        return (ctr.ExitCode, await output, await error);
    }

    sealed class CtrFactAttribute : FactAttribute
    {
        public CtrFactAttribute()
        {
            if (!File.Exists(Ctr)) Skip = "not installed: " + Ctr;
        }
    }
}
