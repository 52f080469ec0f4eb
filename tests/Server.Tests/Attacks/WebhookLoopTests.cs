using Hanbae.Server.Tests.Admission;
using static Hanbae.Server.Tests.Admission.HookRig;
using static Hanbae.Server.Tests.Admission.HookServer;

namespace Hanbae.Server.Tests.Attacks;

/// <summary>Webhooks that make work for webhooks: it comes to an end.</summary>
public sealed class WebhookLoopTests : IAsyncLifetime
{
    HookRig _rig = null!;

    public async Task InitializeAsync() => _rig = await HookRig.StartAsync();
    public async Task DisposeAsync() => await _rig.DisposeAsync();

    [Fact]
    [Trait("Attack", "webhook loops")]
    public async Task Webhooks_that_undo_each_other_are_asked_twice_and_no_more()
    {
        string rule = Rule("CREATE", "", "v1", "configmaps");
        foreach (string side in (string[])["left", "right"]) _rig.Hook.On("/" + side, _ => Patch($$"""[{"op":"add","path":"/data/side","value":"{{side}}"}]"""));
        await _rig.MutateAsync("a", _rig.Webhook("left", "/left", rule, """ "reinvocationPolicy":"IfNeeded" """));
        await _rig.MutateAsync("b", _rig.Webhook("right", "/right", rule, """ "reinvocationPolicy":"IfNeeded" """));
        var made = await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("torn"));
        Assert.InRange(_rig.Hook.Seen.Count, 2, 4);
        Assert.Equal("right", made.Text("data", "side"));
    }

    [Fact]
    [Trait("Attack", "webhook loops")]
    public async Task A_webhook_that_writes_what_it_is_asked_about_ends_with_its_time()
    {
        int deep = 0, open = 0;
        _rig.Hook.On("/again", async Task<Hanbae.Api.Json.JsonObject> (_) =>
        {
            int mine = Interlocked.Increment(ref deep);
            Interlocked.Increment(ref open);
            try
            {
                await _rig.Test.PostAsync(ConfigMaps, ConfigMap("level-" + mine));
                return Allow;
            }
            finally { Interlocked.Decrement(ref open); }
        });
        await _rig.ValidateAsync("hooks", _rig.Webhook("again", "/again", Rule("CREATE", "", "v1", "configmaps")).Replace("\"timeoutSeconds\":30", "\"timeoutSeconds\":1", StringComparison.Ordinal));

        var answer = await _rig.Test.PostAsync(ConfigMaps, ConfigMap("level-0"));

        Assert.Equal(500, answer.Code);
        Assert.Contains("/again?timeout=1s\": context deadline exceeded", answer.Message, StringComparison.Ordinal);
        Assert.Equal(404, (await _rig.Test.GetAsync(ConfigMaps + "/level-0")).Code);
        // What it began ends as well, each with its own time, once nobody begins anew.
        await _rig.GoodAsync("DELETE", Validating + "/hooks");
        await Crd.CrdRig.UntilAsync(() => Task.FromResult(Volatile.Read(ref open) == 0), "the loop has ended");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("after"));
    }

    [Fact]
    [Trait("Attack", "webhook loops")]
    public async Task Nobody_who_blocks_everything_blocks_his_own_removal()
    {
        _rig.Hook.On("/deny", _ => Deny("no"));
        await _rig.ValidateAsync("all", _rig.Webhook("all", "/deny", Rule("*", "*", "*", "*/*")));
        Assert.Equal(400, (await _rig.Test.PostAsync(ConfigMaps, ConfigMap("a"))).Code);
        await _rig.GoodAsync("DELETE", Validating + "/all");
        await _rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
    }
}
