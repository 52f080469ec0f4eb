using Hanbae.Api.Rest;
using Hanbae.Server.Auth;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.FlowControl;

namespace Hanbae.Server.Tests.FlowControl;

/// <summary>A server with flow control and its bootstrap objects, and a path whose requests are held until the test lets them go.</summary>
sealed class FlowRig : IAsyncDisposable
{
    readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    int _held;

    public required TestServer Http { get; init; }
    public ApiServer Server => Http.Server;
    /// <summary>Requests that were let in and wait at the gate.</summary>
    public int Held => Volatile.Read(ref _held);

    public static async Task<FlowRig> StartAsync(FlowControlOptions? options = null, TimeProvider? time = null, bool bootstrap = true)
    {
        FlowRig? rig = null;
        var http = await TestServer.StartAsync(o => o with
        {
            FlowControl = options ?? new(), Time = time ?? TimeProvider.System,
            Paths = [.. new Hanbae.Server.Discovery.DiscoveryHandler(() => [], "127.0.0.1:0", false).Routes, new("/held", false, r => rig!.HoldAsync(r))],
        });
        rig = new() { Http = http };
        if (bootstrap)
        {
            await FlowPolicy.EnsureAsync(new(http.Server.Transport, TimeProvider.System), CancellationToken.None);
            // Compiled, and said to be.
            await rig.UntilAsync(async () => (await rig.AsAdminAsync("GET", "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas")) is { List.Items: { Count: 13 } all }
                && all.Cast<Api.Flowcontrol.V1.FlowSchema>().All(s => s.Status.Conditions.Exists(c => c is { Type: "Dangling", Status: "False" })));
        }
        return rig;
    }

    async ValueTask<Reply> HoldAsync(RequestContext request)
    {
        Interlocked.Increment(ref _held);
        try { await _gate.Task.WaitAsync(request.Aborted); }
        finally { Interlocked.Decrement(ref _held); }
        return Reply.Text("ok");
    }

    public void LetGo() => _gate.TrySetResult();

    public Task<ApiResult> AsAdminAsync(string method, string path, Api.IKind? body = null) => SendAsync(Groups.ApiServer, method, path, body);

    public async Task<ApiResult> SendAsync(Identity user, string method, string path, Api.IKind? body = null, CancellationToken ct = default) =>
        await Server.Transport.SendAsync(new() { Method = method, Path = path, Object = body, Identity = user }, ct);

    public static Identity User(string name, params string[] groups) => new(name, [.. groups, "system:authenticated"]);

    public async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!await condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>The value of a metric of a level, or of a flow of it.</summary>
    public async Task<double> MetricAsync(string name, string level, string more = "")
    {
        string text = System.Text.Encoding.UTF8.GetString((await AsAdminAsync("GET", "/metrics")).Body.Span);
        return text.Split('\n').Where(l => l.StartsWith("apiserver_flowcontrol_" + name + "{", StringComparison.Ordinal) && l.Contains($"priority_level=\"{level}\"", StringComparison.Ordinal) && l.Contains(more, StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        LetGo();
        await Http.DisposeAsync();
    }
}
