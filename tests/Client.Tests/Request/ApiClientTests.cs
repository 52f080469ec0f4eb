using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;

namespace Hanbae.Client.Tests.Request;

public sealed class ApiClientTests
{
    readonly ScriptedTransport _server = new();
    readonly FakeTime _time = new();
    readonly ApiClient _client;

    public ApiClientTests() => _client = new(_server, _time);

    [Fact]
    public async Task What_is_not_there_is_null_for_find_and_an_exception_for_get()
    {
        var find = _client.FindAsync<Pod>(new("a", "p"), CancellationToken.None);
        (await _server.NextAsync()).Refuse(404, "NotFound");
        Assert.Null(await find);
        var get = _client.GetAsync<Pod>(new("a", "p"), CancellationToken.None);
        (await _server.NextAsync()).Refuse(404, "NotFound");
        Assert.True((await Assert.ThrowsAsync<ApiException>(() => get)).IsNotFound);
    }

    [Fact]
    public async Task An_error_without_a_status_gets_one()
    {
        var get = _client.GetAsync<Pod>(new("a", "p"), CancellationToken.None);
        (await _server.NextAsync()).Result.SetResult(new() { Code = 502, Body = "bad gateway"u8.ToArray() });
        var error = await Assert.ThrowsAsync<ApiException>(() => get);
        Assert.Equal((502, "InternalError", "bad gateway"), (error.Code, error.Reason, error.Message));
    }

    [Fact]
    public async Task A_server_that_says_when_is_asked_again_then()
    {
        var get = _client.GetAsync<Pod>(new("a", "p"), CancellationToken.None);
        (await _server.NextAsync()).Answer(Make.Error(429, "TooManyRequests") with { Details = new() { RetryAfterSeconds = 3 } }, 429);
        await _time.WhenSetAsync();
        Assert.Equal(3, _time.AdvanceToNext().TotalSeconds);
        (await _server.NextAsync()).Answer(Make.Pod("p"));
        Assert.Equal("p", (await get).Metadata.Name);
    }

    [Fact]
    public async Task A_conflict_reads_and_changes_again()
    {
        var update = _client.UpdateWithRetryAsync<ConfigMap>(new("default", "a"), m => m with { Data = m.Data.Set("n", m.Data["n"] + "+") }, CancellationToken.None, time: _time);
        (await _server.ExpectAsync("GET /api/v1/namespaces/default/configmaps/a")).Answer(Make.Map("a", "1") with { Data = Api.Map.Of(("n", "1")) });
        (await _server.ExpectAsync("PUT /api/v1/namespaces/default/configmaps/a")).Refuse(409, "Conflict");
        await _time.WhenSetAsync();
        _time.AdvanceToNext();
        (await _server.ExpectAsync("GET /api/v1/namespaces/default/configmaps/a")).Answer(Make.Map("a", "2") with { Data = Api.Map.Of(("n", "2")) });
        var put = await _server.ExpectAsync("PUT /api/v1/namespaces/default/configmaps/a");
        var sent = Assert.IsType<ConfigMap>(put.Request.Object);
        Assert.Equal(("2", "2+"), (sent.Metadata.ResourceVersion, sent.Data["n"]));
        put.Answer(sent);
        await update;
    }

    [Fact]
    public async Task Conflicts_without_end_are_thrown_after_five_tries()
    {
        var update = _client.UpdateWithRetryAsync<ConfigMap>(new("default", "a"), m => m with { Data = Api.Map.Of(("n", "x")) }, CancellationToken.None, time: _time);
        for (int i = 1; i <= 5; i++)
        {
            (await _server.NextAsync()).Answer(Make.Map("a", "1"));
            (await _server.NextAsync()).Refuse(409, "Conflict");
            if (i == 5) break;
            await _time.WhenSetAsync();
            _time.AdvanceToNext();
        }
        Assert.True((await Assert.ThrowsAsync<ApiException>(() => update)).IsConflict);
    }

    [Fact]
    public async Task A_status_that_is_the_same_is_not_written()
    {
        var pod = Make.Pod("p", "1");
        Assert.Same(pod, await _client.UpdateStatusIfChangedAsync(pod, pod with { Status = PodStatus.Empty with { Phase = "" } }, CancellationToken.None));
        var write = _client.UpdateStatusIfChangedAsync(pod, pod with { Status = new() { Phase = "Running" } }, CancellationToken.None);
        var put = await _server.ExpectAsync("PUT /api/v1/namespaces/default/pods/p/status");
        put.Answer((Pod)put.Request.Object!);
        await write;
    }

    [Fact]
    public async Task Pages_are_one_stream()
    {
        var all = Task.Run(async () =>
        {
            List<string> names = [];
            await foreach (var pod in _client.EachAsync<Pod>(new() { Limit = 2 })) names.Add(pod.Metadata.Name);
            return names;
        });
        (await _server.ExpectAsync("GET /api/v1/pods?limit=2")).AnswerPage("9", "two", Make.Pod("a"), Make.Pod("b"));
        (await _server.ExpectAsync("GET /api/v1/pods?continue=two&limit=2")).Answer("9", Make.Pod("c"));
        Assert.Equal(["a", "b", "c"], await all);
    }

    [Fact]
    public async Task An_identity_is_put_on_requests_that_have_none()
    {
        var me = new Identity("system:kube-scheduler", []);
        var client = new ApiClient(new IdentityTransport(_server, me, "scheduler"), _time);
        var get = client.GetAsync<Pod>(new("a", "p"), CancellationToken.None);
        var asked = await _server.NextAsync();
        Assert.Equal((me, "scheduler"), (asked.Request.Identity, asked.Request.UserAgent));
        asked.Answer(Make.Pod("p"));
        await get;
    }
}
