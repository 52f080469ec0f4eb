using Google.Protobuf;
using Hanbae.Cri.V1;
using Hanbae.Grpc;

namespace Hanbae.Cri.Fake;

public sealed partial class FakeCri
{
    const string ExecFailed = "failed to exec in container: ";

    public async Task<ExecSyncResponse> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken ct)
    {
        var container = await Do("ExecSync", ct, () => Running(containerId, ExecFailed));
        var result = command.Count > 0 ? container.Program.Exec(command) : new(StartError: "args must not be empty");
        if (result.StartError is { } reason)
        {
            string step = command.Count > 0 ? "unable to start container process: " : "";
            throw new GrpcException(
                GrpcStatus.Unknown,
                $"{ExecFailed}failed to start exec \"{IdTable<FakeContainer>.NewId()}\": OCI runtime exec failed: exec failed: {step}{reason}: unknown");
        }
        bool late = timeout > TimeSpan.Zero && result.Takes > timeout;
        if (result.Takes > TimeSpan.Zero)
        {
            var first = await Task.WhenAny(container.Exited, Task.Delay(late ? timeout : result.Takes, _time, ct));
            ct.ThrowIfCancellationRequested();
            if (first == container.Exited) return new() { ExitCode = KilledCode };
        }
        if (late) throw new GrpcException(GrpcStatus.DeadlineExceeded, $"{ExecFailed}timeout {Go(timeout)} exceeded: context deadline exceeded");
        return new() { Stdout = ByteString.CopyFromUtf8(result.Stdout), Stderr = ByteString.CopyFromUtf8(result.Stderr), ExitCode = result.ExitCode };
    }

    public Task<string> ExecAsync(ExecRequest request, CancellationToken ct) => Do("Exec", ct, () =>
    {
        Running(request.ContainerId, "");
        Streams(request.Stdin || request.Stdout || request.Stderr, request.Tty && request.Stderr);
        return Stream(request);
    });

    public Task<string> AttachAsync(AttachRequest request, CancellationToken ct) => Do("Attach", ct, () =>
    {
        if (!_containers.TryFind(request.ContainerId, out _)) throw new GrpcException(GrpcStatus.NotFound, "failed to find container in store: not found");
        Running(request.ContainerId, "");
        Streams(request.Stdin || request.Stdout || request.Stderr, request.Tty && request.Stderr);
        return Stream(request);
    });

    static void Streams(bool any, bool ttyAndStderr)
    {
        if (!any) throw new GrpcException(GrpcStatus.InvalidArgument, "one of stdin, stdout, or stderr must be set");
        if (ttyAndStderr) throw new GrpcException(GrpcStatus.InvalidArgument, "tty and stderr cannot both be true");
    }

    /// <summary>Whole seconds as Go prints a duration.</summary>
    static string Go(TimeSpan time)
    {
        long seconds = (long)Math.Ceiling(time.TotalSeconds);
        return seconds < 60 ? $"{seconds}s" : seconds < 3600 ? $"{seconds / 60}m{seconds % 60}s" : $"{seconds / 3600}h{seconds / 60 % 60}m{seconds % 60}s";
    }
}
