using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Api.Rest;
using Hanbae.Kit;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.FlowControl;

namespace Hanbae.Server.Tests.FlowControl;

/// <summary>Flow control as clients meet it.</summary>
public sealed class FlowControlTests
{
    const string Schemas = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", Levels = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";

    static PriorityLevelConfiguration Level(string name, int shares, LimitResponse? response = null) => new()
    {
        Metadata = new() { Name = name }, Spec = new() { Type = "Limited", Limited = new() { NominalConcurrencyShares = shares, LimitResponse = response ?? new() { Type = "Reject" } } },
    };

    static FlowSchema Schema(string name, string level, int precedence, params string[] users) => new()
    {
        Metadata = new() { Name = name },
        Spec = new()
        {
            MatchingPrecedence = precedence, PriorityLevelConfiguration = new() { Name = level }, DistinguisherMethod = new() { Type = "ByUser" },
            Rules = [new() { Subjects = [.. users.Select(u => new Subject { Kind = "User", User = new() { Name = u } })], NonResourceRules = [new() { Verbs = ["*"], NonResourceURLs = ["*"] }] }],
        },
    };

    static async Task<T> CreateAsync<T>(FlowRig rig, string path, T obj) where T : class, Api.IObject<T>
    {
        var result = await rig.AsAdminAsync("POST", path, obj);
        return result.Object as T ?? throw new InvalidOperationException(((Api.Meta.V1.Status)result.Object!).Message);
    }

    static Task SteadyAsync(FlowRig rig, string schema, string level) => rig.UntilAsync(async () =>
        (await rig.AsAdminAsync("GET", Schemas + "/" + schema)).Object is FlowSchema s && s.Status.Conditions.Exists(c => c is { Type: "Dangling", Status: "False" })
        && await rig.MetricAsync("request_concurrency_limit", level) > 0);

    /// <summary>Upstream's e2e test of the same name, step by step.</summary>
    [Fact]
    public async Task Requests_are_classified_by_added_schemas_and_answers_say_by_which()
    {
        await using var rig = await FlowRig.StartAsync();
        var level = await CreateAsync(rig, Levels, Level("e2e-testing-prioritylevel", 1));
        var schema = await CreateAsync(rig, Schemas, Schema("e2e-testing-flowschema", "e2e-testing-prioritylevel", 1000, "noxu"));
        await SteadyAsync(rig, "e2e-testing-flowschema", "e2e-testing-prioritylevel");

        var matching = await rig.Http.SendAsync("GET", "/version", headers: ("Impersonate-User", "noxu"));
        Assert.Equal([schema.Metadata.Uid], matching.Headers.GetValues("X-Kubernetes-PF-FlowSchema-UID"));
        Assert.Equal([level.Metadata.Uid], matching.Headers.GetValues("X-Kubernetes-PF-PriorityLevel-UID"));
        var other = await rig.Http.SendAsync("GET", "/version", headers: ("Impersonate-User", "foo"));
        Assert.NotEqual(schema.Metadata.Uid, Assert.Single(other.Headers.GetValues("X-Kubernetes-PF-FlowSchema-UID")));
        Assert.NotEqual("", Assert.Single(other.Headers.GetValues("X-Kubernetes-PF-PriorityLevel-UID")));
    }

    [Fact]
    public async Task A_schema_says_whether_its_level_is_there_as_levels_come_and_go()
    {
        await using var rig = await FlowRig.StartAsync();
        await CreateAsync(rig, Schemas, Schema("s", "missing", 1000, "u"));
        FlowSchemaCondition? Dangling(ApiResult r) => (r.Object as FlowSchema)?.Status.Conditions.Find(c => c.Type == "Dangling");
        await rig.UntilAsync(async () => Dangling(await rig.AsAdminAsync("GET", Schemas + "/s")) is { Status: "True", Reason: "NotFound" });
        var dangling = Dangling(await rig.AsAdminAsync("GET", Schemas + "/s"))!;
        Assert.Equal("This FlowSchema references the PriorityLevelConfiguration object named \"missing\" but there is no such object", dangling.Message);
        Assert.NotNull(dangling.LastTransitionTime);

        await CreateAsync(rig, Levels, Level("missing", 10));
        await rig.UntilAsync(async () => Dangling(await rig.AsAdminAsync("GET", Schemas + "/s")) is { Status: "False", Reason: "Found" });
        var table = await rig.Http.GetAsync(Schemas + "/s", "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal(200, table.Code);

        await rig.AsAdminAsync("DELETE", Levels + "/missing");
        await rig.UntilAsync(async () => Dangling(await rig.AsAdminAsync("GET", Schemas + "/s")) is { Status: "True" });
    }

    /// <summary>What upstream's e2e "can't be drowned out (fairness)" means, with counts in the place of rates.</summary>
    [Fact]
    public async Task A_user_with_a_flood_does_not_drown_out_another_of_the_same_schema()
    {
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 20, MaxWrites = 10 });
        await CreateAsync(rig, Levels, Level("shared", 1, new() { Type = "Queue", Queuing = new() { Queues = 64, HandSize = 4, QueueLengthLimit = 50 } }));
        await CreateAsync(rig, Schemas, Schema("shared", "shared", 1000, "highqps", "lowqps"));
        await SteadyAsync(rig, "shared", "shared");
        var flood = Enumerable.Range(0, 1000).Select(_ => rig.SendAsync(FlowRig.User("highqps"), "GET", "/held")).ToArray();
        await rig.UntilAsync(() => rig.Held > 0 && flood.Count(t => t.IsCompleted) >= 1000 - 4 * 50 - rig.Held);
        int refused = flood.Count(t => t.IsCompleted);
        Assert.All(flood.Where(t => t.IsCompleted), t => Assert.Equal(429, t.Result.Code));
        // Its hand is full; the other's is not.
        Assert.InRange(1000 - refused - rig.Held, 1, 4 * 50);
        var calm = Enumerable.Range(0, 8).Select(_ => rig.SendAsync(FlowRig.User("lowqps"), "GET", "/version")).ToArray();
        Assert.All(calm, t => Assert.False(t.IsCompletedSuccessfully && t.Result.Code == 429));

        rig.LetGo();
        await Task.WhenAll([.. flood, .. calm]).WaitAsync(TimeSpan.FromSeconds(90));
        Assert.All(calm, t => Assert.Equal(200, t.Result.Code));
        Assert.Equal(refused, flood.Count(t => t.Result.Code == 429));
    }

    [Fact]
    public async Task A_refusal_is_a_429_status_with_when_to_try_again()
    {
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 1, MaxWrites = 0 }, bootstrap: false);
        var held = rig.SendAsync(FlowRig.User("a"), "GET", "/held");
        await rig.UntilAsync(() => rig.Held == 1);
        var refused = await rig.Http.SendAsync("GET", "/version", headers: ("Impersonate-User", "b"));
        Assert.Equal((429, "Too many requests, please try again later.", "TooManyRequests"), (refused.Code, refused.Message, refused.Text("reason")));
        Assert.Equal("1", Assert.Single(refused.Headers.GetValues("Retry-After")));
        Assert.Equal("1", refused.Text("details", "retryAfterSeconds"));
        // Administrators are never held up.
        Assert.Equal(200, (await rig.AsAdminAsync("GET", "/version")).Code);
        Assert.Equal(1, await rig.MetricAsync("rejected_requests_total", "catch-all", "reason=\"concurrency-limit\""));
        rig.LetGo();
        Assert.Equal(200, (await held).Code);
        await rig.UntilAsync(async () => (await rig.Http.SendAsync("GET", "/version", headers: ("Impersonate-User", "b"))).Code == 200);
    }

    [Fact]
    public async Task Who_waits_too_long_is_refused_and_who_leaves_gives_up_the_place()
    {
        var time = new FakeTime();
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 1, MaxWrites = 0, Wait = TimeSpan.FromSeconds(15), AdjustEvery = TimeSpan.FromHours(1) }, time);
        // All levels have a seat or few; workload-low is held.
        var user = FlowRig.User("system:serviceaccount:default:app", "system:serviceaccounts");
        var held = Enumerable.Range(0, 5).Select(_ => rig.SendAsync(user, "GET", "/held")).ToArray();
        await rig.UntilAsync(async () => await rig.MetricAsync("current_inqueue_requests", "workload-low") > 0);
        int waiting = (int)await rig.MetricAsync("current_inqueue_requests", "workload-low");
        using var leaves = new CancellationTokenSource();
        var leaving = rig.SendAsync(user, "GET", "/held", ct: leaves.Token);
        await rig.UntilAsync(async () => await rig.MetricAsync("current_inqueue_requests", "workload-low") == waiting + 1);
        await leaves.CancelAsync();
        await rig.UntilAsync(async () => await rig.MetricAsync("rejected_requests_total", "workload-low", "reason=\"cancelled\"") == 1);
        Assert.Equal(504, (await leaving).Code);
        Assert.Contains("workload-low", (await rig.AsAdminAsync("GET", "/debug/api_priority_and_fairness/dump_requests")).Body is var dump ? System.Text.Encoding.UTF8.GetString(dump.Span) : "", StringComparison.Ordinal);

        time.Advance(TimeSpan.FromSeconds(16));
        await rig.UntilAsync(() => held.Count(t => t.IsCompleted) == waiting);
        Assert.All(held.Where(t => t.IsCompleted), t => Assert.Equal(429, t.Result.Code));
        Assert.Equal(waiting, await rig.MetricAsync("rejected_requests_total", "workload-low", "reason=\"time-out\""));
    }

    [Fact]
    public async Task Seats_that_a_level_does_not_need_are_lent_to_one_that_does()
    {
        var time = new FakeTime();
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 60, MaxWrites = 40, Wait = TimeSpan.FromHours(1) }, time);
        var user = FlowRig.User("jane");
        // A level that was there before the others had more seats then, until they are dealt out anew.
        await time.WhenSetAsync();
        time.Advance(TimeSpan.FromSeconds(10));
        await rig.UntilAsync(async () => await rig.MetricAsync("current_limit_seats", "global-default") <= 20);
        var held = Enumerable.Range(0, 60).Select(_ => rig.SendAsync(user, "GET", "/held")).ToArray();
        await rig.UntilAsync(() => rig.Held > 0 && !held.Any(t => t.IsCompleted));
        int before = rig.Held;
        Assert.InRange(before, 1, 20);
        for (int i = 0; i < 3; i++)
        {
            await time.WhenSetAsync();
            time.Advance(TimeSpan.FromSeconds(10));
        }
        // global-default has a twelfth of the shares: what it has now is mostly borrowed.
        await rig.UntilAsync(() => rig.Held >= before + 15);
        Assert.True(await rig.MetricAsync("current_limit_seats", "global-default") > await rig.MetricAsync("nominal_limit_seats", "global-default"));
        Assert.True(await rig.MetricAsync("current_limit_seats", "workload-low") >= await rig.MetricAsync("lower_limit_seats", "workload-low"));
        rig.LetGo();
        await Task.WhenAll(held).WaitAsync(TimeSpan.FromSeconds(90));
        Assert.All(held, t => Assert.Equal(200, t.Result.Code));
    }

    [Fact]
    public async Task Bootstrap_objects_come_back_and_what_users_changed_stays_theirs()
    {
        await using var rig = await FlowRig.StartAsync();
        var levels = (await rig.AsAdminAsync("GET", Levels)).List!.Items.Cast<PriorityLevelConfiguration>().ToArray();
        Assert.Equal(["catch-all", "exempt", "global-default", "leader-election", "node-high", "system", "workload-high", "workload-low"], levels.Select(l => l.Metadata.Name));
        Assert.All(levels, l => Assert.Equal("true", l.Metadata.Annotations["apf.kubernetes.io/autoupdate-spec"]));
        var system = levels.Single(l => l.Metadata.Name == "system");

        async Task<PriorityLevelConfiguration> PutAsync(PriorityLevelConfiguration level)
        {
            Assert.Equal(200, (await rig.AsAdminAsync("PUT", Levels + "/" + level.Metadata.Name, level)).Code);
            await FlowPolicy.EnsureAsync(new(rig.Server.Transport, TimeProvider.System), CancellationToken.None);
            return (PriorityLevelConfiguration)(await rig.AsAdminAsync("GET", Levels + "/" + level.Metadata.Name)).Object!;
        }

        PriorityLevelConfiguration With(PriorityLevelConfiguration l, int shares, string? follows) => l with
        {
            Spec = l.Spec with { Limited = l.Spec.Limited! with { NominalConcurrencyShares = shares } },
            Metadata = l.Metadata with { Annotations = follows is null ? default : Api.Map.Of(("apf.kubernetes.io/autoupdate-spec", follows)) },
        };
        // Following: put right. Not: left. Unsaid: changed, so no.
        var now = await PutAsync(With(system, 77, "true"));
        Assert.Equal(30, now.Spec.Limited!.NominalConcurrencyShares);
        now = await PutAsync(With(now, 77, "false"));
        Assert.Equal(77, now.Spec.Limited!.NominalConcurrencyShares);
        now = await PutAsync(With(now, 78, null));
        Assert.Equal((78, "false"), (now.Spec.Limited!.NominalConcurrencyShares, now.Metadata.Annotations["apf.kubernetes.io/autoupdate-spec"]));
        // Mandatory ones have no choice, but the exempt level's shares are the user's.
        var all = levels.Single(l => l.Metadata.Name == "catch-all");
        var refused = await rig.AsAdminAsync("PUT", Levels + "/catch-all", With(all, 6, "false"));
        Assert.Equal(422, refused.Code);
        Assert.Equal("spec of 'catch-all' must equal the fixed value", ((Api.Meta.V1.Status)refused.Object!).Details!.Causes[0].Message.Split("}: ")[^1]);
        Assert.Equal(5, (await PutAsync(With(all, 5, "false"))).Spec.Limited!.NominalConcurrencyShares);
        var exempt = levels.Single(l => l.Metadata.Name == "exempt");
        Assert.Equal(9, (await PutAsync(exempt with { Spec = exempt.Spec with { Exempt = new() { NominalConcurrencyShares = 9, LendablePercent = 50 } } })).Spec.Exempt!.NominalConcurrencyShares);
        await rig.AsAdminAsync("DELETE", Schemas + "/catch-all");
        await CreateAsync(rig, Schemas, Schema("of-a-version-before", "system", 700, "x") with { Metadata = new() { Name = "of-a-version-before", Annotations = Api.Map.Of(("apf.kubernetes.io/autoupdate-spec", "true")) } });
        await FlowPolicy.EnsureAsync(new(rig.Server.Transport, TimeProvider.System), CancellationToken.None);
        Assert.Equal(200, (await rig.AsAdminAsync("GET", Schemas + "/catch-all")).Code);
        Assert.Equal(404, (await rig.AsAdminAsync("GET", Schemas + "/of-a-version-before")).Code);
    }

    [Fact]
    public async Task A_watch_gives_its_seat_back_when_it_has_begun()
    {
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 1, MaxWrites = 0 }, bootstrap: false);
        using var stop = new CancellationTokenSource();
        for (int i = 0; i < 3; i++)
        {
            var watch = rig.Server.Transport.WatchAsync(new() { Method = "GET", Path = "/api/v1/namespaces", Query = [new("watch", "1"), new("sendInitialEvents", "true"), new("resourceVersionMatch", "NotOlderThan"), new("allowWatchBookmarks", "true")], Identity = FlowRig.User("u") }, stop.Token).GetAsyncEnumerator(CancellationToken.None);
            Assert.True(await watch.MoveNextAsync());
        }
        await rig.UntilAsync(async () => await rig.MetricAsync("current_executing_seats", "catch-all") == 0);
        Assert.Equal(3, await rig.MetricAsync("request_execution_seconds_count", "catch-all", "type=\"watch\""));
        await stop.CancelAsync();
    }

    [Fact]
    public async Task A_list_is_taken_to_cost_by_what_it_looks_at()
    {
        await using var rig = await FlowRig.StartAsync();
        for (int i = 0; i < 450; i++) await rig.Http.CreateAsync(new Api.Core.V1.ConfigMap { Metadata = new() { Name = "c" + i, Namespace = i < 50 ? "small" : "large" } });
        var jane = FlowRig.User("jane");
        await rig.SendAsync(jane, "GET", "/api/v1/namespaces/small/configmaps");
        Assert.Equal(1, await rig.MetricAsync("work_estimated_seats_sum", "global-default"));
        await rig.SendAsync(jane, "GET", "/api/v1/namespaces/large/configmaps");
        Assert.Equal(5, await rig.MetricAsync("work_estimated_seats_sum", "global-default"));
        await rig.SendAsync(jane, "GET", "/api/v1/configmaps");
        Assert.Equal(10, await rig.MetricAsync("work_estimated_seats_sum", "global-default"));
    }

    /// <summary>Those of upstream, but for one that counts what does not happen here: that progress is wound back, lest it overflow.</summary>
    [Fact]
    public async Task Every_figure_that_upstream_documents_is_there()
    {
        await using var rig = await FlowRig.StartAsync();
        await rig.SendAsync(FlowRig.User("jane"), "GET", "/api/v1/namespaces/default/configmaps");
        double writes = await rig.MetricAsync("watch_count_samples_count", "global-default");
        await rig.SendAsync(FlowRig.User("jane"), "DELETE", "/api/v1/namespaces/default/configmaps/none");
        string text = System.Text.Encoding.UTF8.GetString((await rig.AsAdminAsync("GET", "/metrics")).Body.Span);
        string[] names =
        [
            "rejected_requests_total", "dispatched_requests_total", "current_inqueue_requests", "current_executing_requests", "request_concurrency_in_use", "current_executing_seats", "current_inqueue_seats",
            "priority_level_request_utilization", "priority_level_seat_utilization", "request_queue_length_after_enqueue", "request_concurrency_limit", "nominal_limit_seats", "lower_limit_seats", "upper_limit_seats",
            "demand_seats", "demand_seats_high_watermark", "demand_seats_average", "demand_seats_stdev", "demand_seats_smoothed", "target_seats", "seat_fair_frac", "current_limit_seats",
            "request_wait_duration_seconds", "request_execution_seconds", "watch_count_samples", "work_estimated_seats", "request_dispatch_no_accommodation_total", "current_r",
            "dispatch_r", "latest_s", "next_s_bounds", "next_discounted_s_bounds", "read_vs_write_current_requests",
        ];
        Assert.All(names, n => Assert.Contains($"# TYPE apiserver_flowcontrol_{n} ", text, StringComparison.Ordinal));
        // Only levels with queues have what is said of queues.
        foreach (string bounds in (string[])["next_s_bounds", "next_discounted_s_bounds"])
        {
            Assert.Contains($"apiserver_flowcontrol_{bounds}{{bound=\"min\",priority_level=\"global-default\"}} ", text, StringComparison.Ordinal);
            Assert.Contains($"apiserver_flowcontrol_{bounds}{{bound=\"max\",priority_level=\"global-default\"}} ", text, StringComparison.Ordinal);
            Assert.DoesNotContain($"apiserver_flowcontrol_{bounds}{{bound=\"min\",priority_level=\"exempt\"}} ", text, StringComparison.Ordinal);
        }
        foreach (string phase in (string[])["executing", "waiting"])
            foreach (string kind in (string[])["mutating", "readOnly"])
                Assert.Contains($"apiserver_flowcontrol_read_vs_write_current_requests_count{{phase=\"{phase}\",request_kind=\"{kind}\"}} ", text, StringComparison.Ordinal);
        Assert.Equal(writes + 1, await rig.MetricAsync("watch_count_samples_count", "global-default"));
        Assert.True(await rig.MetricAsync("priority_level_seat_utilization_count", "global-default", "phase=\"executing\"") > 0);
    }

    [Fact]
    public async Task Dumps_show_levels_and_queues_in_upstreams_columns()
    {
        await using var rig = await FlowRig.StartAsync();
        string levels = (await rig.Http.GetAsync("/debug/api_priority_and_fairness/dump_priority_levels")).Body;
        Assert.StartsWith("PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests", levels);
        Assert.Contains("\nglobal-default,    ", levels);
        Assert.StartsWith("PriorityLevelName, Index,", (await rig.Http.GetAsync("/debug/api_priority_and_fairness/dump_queues")).Body);
        Assert.StartsWith("PriorityLevelName, FlowSchemaName, QueueIndex,", (await rig.Http.GetAsync("/debug/api_priority_and_fairness/dump_requests")).Body);
        Assert.DoesNotContain("priority_and_fairness", (await rig.Http.GetAsync("/")).Body);
    }

    [Fact]
    public async Task Without_fairness_there_are_two_limits_and_nobody_waits()
    {
        await using var rig = await FlowRig.StartAsync(new() { MaxReads = 2, MaxWrites = 1, IsFair = false }, bootstrap: false);
        var held = Enumerable.Range(0, 2).Select(_ => rig.SendAsync(FlowRig.User("a"), "GET", "/held")).ToArray();
        await rig.UntilAsync(() => rig.Held == 2);
        Assert.Equal(429, (await rig.SendAsync(FlowRig.User("b"), "GET", "/version")).Code);
        Assert.Equal(200, (await rig.AsAdminAsync("GET", "/version")).Code);
        Assert.Equal(201, (await rig.SendAsync(FlowRig.User("b"), "POST", "/api/v1/namespaces", new Api.Core.V1.Namespace { Metadata = new() { Name = "x" } })).Code);
        rig.LetGo();
        await Task.WhenAll(held);
        Assert.Equal(200, (await rig.SendAsync(FlowRig.User("b"), "GET", "/version")).Code);
    }
}
