using System.Threading.Channels;
using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Client.Tests;

/// <summary>Plays the server by a script: each request must be the one that is expected, or the test hears of it.</summary>
sealed class ScriptedTransport : IApiTransport
{
    readonly Channel<Exchange> _asked = Channel.CreateBounded<Exchange>(100);

    /// <summary>One request that waits for its answer.</summary>
    internal sealed class Exchange(ApiRequest request)
    {
        public ApiRequest Request { get; } = request;
        public TaskCompletionSource<ApiResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public Channel<ApiEvent> Events { get; } = Channel.CreateBounded<ApiEvent>(100);

        public void Answer(IKind obj, int code = 200) => Result.SetResult(new() { Code = code, Object = obj });
        public void Answer(string version, params IObject[] items) => AnswerPage(version, "", items);
        public void AnswerPage(string version, string next, params IObject[] items) =>
            Result.SetResult(new() { Code = 200, List = new(new() { ResourceVersion = version, Continue = next }, items) });
        public void Refuse(int code, string reason) => Answer(Make.Error(code, reason), code);
        public void Send(string type, IObject obj) => Assert.True(Events.Writer.TryWrite(new(type, obj)));
        public void Close(Exception? error = null) => Events.Writer.Complete(error);
        public string Line => $"{Request.Method} {Request.Path}" + string.Concat(Request.Query.Select((q, i) => (i == 0 ? "?" : "&") + q.Key + "=" + q.Value));
    }

    public async Task<Exchange> NextAsync() => await _asked.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>The next request, which must be this one (timeouts left out, as they are random).</summary>
    public async Task<Exchange> ExpectAsync(string line)
    {
        var next = await NextAsync();
        Assert.Equal(line, System.Text.RegularExpressions.Regex.Replace(next.Line, "&timeoutSeconds=\\d+", ""));
        return next;
    }

    public bool Quiet => _asked.Reader.Count == 0;

    public async ValueTask<ApiResult> SendAsync(ApiRequest request, CancellationToken ct)
    {
        var exchange = new Exchange(request);
        await _asked.Writer.WriteAsync(exchange, ct);
        return await exchange.Result.Task.WaitAsync(ct);
    }

    public async IAsyncEnumerable<ApiEvent> WatchAsync(ApiRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var exchange = new Exchange(request);
        await _asked.Writer.WriteAsync(exchange, ct);
        await foreach (var e in exchange.Events.Reader.ReadAllAsync(ct)) yield return e;
    }

    public ValueTask<Stream> StreamAsync(ApiRequest request, CancellationToken ct) => throw new NotSupportedException("no script streams");
}
