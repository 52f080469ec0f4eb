using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Controllers.Jobs;
using Hanbae.Controllers.Ownership;
using Hanbae.Kit;

namespace Hanbae.Controllers.Tests.Jobs;

public sealed class RunTests
{
    static readonly string[] Which = ["job"];

    static JobStatus Status(FakeApi api, string name = "work") => api.Find<Job>(name)!.Status;
    static PlayedNodes Ending(TestCluster cluster, Func<Pod, int?> code) =>
        new(cluster, p => code(p) is { } c ? p.Ends(c, cluster.Time.GetUtcNow()) : p.IsScheduledReady() ? p : p.Ready());
    static int Index(Pod pod) => JobPod.IndexOf(pod)!.Value;

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should delete a job [Conformance]")]
    public async Task A_Job_that_goes_lets_go_of_its_Pods()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Works.Job("work", 4, 2));
        await cluster.UntilAsync(api => Status(api) is { Active: 2, Ready: 2, StartTime: not null });
        Assert.All(cluster.Api.All<Pod>(), p => Assert.Contains(JobPod.Finalizer, p.Metadata.Finalizers));

        cluster.Api.Remove<Job>("work");
        await cluster.UntilAsync(api => api.All<Pod>().All(p => p.Metadata.Finalizers.IsEmpty));
    }

    [Fact]
    public async Task Pods_that_ended_are_counted_once_and_then_let_go()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = Ending(cluster, _ => 0);
        cluster.Api.Put(Works.Job("work", 7, 3));
        await cluster.UntilAsync(api => Status(api) is { Succeeded: 7, Active: 0, Failed: 0, CompletionTime: not null } s && s.Is("Complete", "CompletionsReached") && s.Is("SuccessCriteriaMet"));

        Assert.Equal(7, cluster.Api.All<Pod>().Count);
        Assert.All(cluster.Api.All<Pod>(), p => Assert.Empty(p.Metadata.Finalizers));
        Assert.Equal(new UncountedTerminatedPods(), Status(cluster.Api).UncountedTerminatedPods);
        Assert.Contains(("Completed", "Job completed"), cluster.Events.Told);
    }

    [Fact]
    public async Task A_Job_that_fails_waits_longer_each_time_and_gives_up()
    {
        await using var cluster = new TestCluster(Which) { Creep = TestCluster.Hardly };
        await using var nodes = Ending(cluster, _ => 1);
        cluster.Api.Put(Works.Job("work").With(s => s with { BackoffLimit = 2 }));
        await cluster.UntilAsync(api => Status(api).Failed == 1);
        cluster.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Single(cluster.Api.All<Pod>());
        cluster.Creep = TimeSpan.FromSeconds(1);
        await cluster.UntilAsync(api => Status(api) is { Failed: 3, Active: 0 } s && s.Is("Failed", "BackoffLimitExceeded") && s.Is("FailureTarget"));

        Assert.Contains(("BackoffLimitExceeded", "Job has reached the specified backoff limit"), cluster.Events.Told);
        Assert.Equal(3, cluster.Api.All<Pod>().Count);
        Assert.True(cluster.Time.GetUtcNow() - Make.Start >= TimeSpan.FromSeconds(30));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should run a job to completion when tasks sometimes fail and are locally restarted [Conformance]")]
    public async Task Restarts_in_place_do_not_make_new_Pods()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster, p => p.Status.ContainerStatuses.IsEmpty
            ? p.Ready() with { Status = p.Ready().Status with { ContainerStatuses = [new ContainerStatus { Name = "main", RestartCount = 1 }] } } : p.Ends());
        cluster.Api.Put(Works.Job("work", 4, 2, restart: "OnFailure"));
        await cluster.UntilAsync(api => Status(api).Is("Complete"));
        Assert.Equal(4, cluster.Api.All<Pod>().Count);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should create pods for an Indexed job with completion indexes and specified hostname [Conformance]")]
    public async Task Each_index_has_its_Pod_that_knows_it()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = Ending(cluster, _ => 0);
        cluster.Api.Put(Works.Job("work", 4, 2, indexed: true));
        await cluster.UntilAsync(api => Status(api) is { Succeeded: 4, CompletedIndexes: "0-3" } s && s.Is("Complete"));

        Assert.Equal([0, 1, 2, 3], cluster.Api.All<Pod>().Select(Index).Order());
        Assert.All(cluster.Api.All<Pod>(), p =>
        {
            Assert.Equal(($"work-{Index(p)}", $"work-{Index(p)}-", Index(p).ToString()), (p.Spec.Hostname, p.Metadata.GenerateName, p.Metadata.Labels[JobPod.Index]));
            Assert.Equal("metadata.labels['batch.kubernetes.io/job-completion-index']", p.Spec.Containers[0].Env.Find(e => e.Name == "JOB_COMPLETION_INDEX")!.ValueFrom!.FieldRef!.FieldPath);
        });
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should execute all indexes despite some failing when using backoffLimitPerIndex [Conformance]")]
    public async Task With_a_limit_for_each_index_the_others_go_on()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        await using var nodes = Ending(cluster, p => Index(p) % 2);
        cluster.Api.Put(Works.Job("work", 4, 2, indexed: true).With(s => s with { BackoffLimitPerIndex = 1, BackoffLimit = int.MaxValue }));
        await cluster.UntilAsync(api => Status(api) is { CompletedIndexes: "0,2", FailedIndexes: "1,3", Succeeded: 2, Failed: 4 } s && s.Is("Failed", "FailedIndexes"));
        Assert.Equal(["0", "0", "1", "1"], cluster.Api.All<Pod>().Where(p => Index(p) % 2 == 1).Select(p => p.Metadata.Annotations["batch.kubernetes.io/job-index-failure-count"]).Order());
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes [Conformance]")]
    public async Task Too_many_failed_indexes_end_the_Job()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = Ending(cluster, p => Index(p) < 2 ? 1 : null);
        cluster.Api.Put(Works.Job("work", 10, 4, indexed: true).With(s => s with { BackoffLimitPerIndex = 0, BackoffLimit = int.MaxValue, MaxFailedIndexes = 1 }));
        await cluster.UntilAsync(api => Status(api) is { FailedIndexes: "0,1", Active: 0 } s && s.Is("Failed", "MaxFailedIndexesExceeded"));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy [Conformance]")]
    public async Task A_rule_may_fail_an_index_at_once()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = Ending(cluster, p => Index(p) == 1 ? 42 : 0);
        cluster.Api.Put(Works.Job("work", 3, 3, indexed: true).With(s => s with
        {
            BackoffLimitPerIndex = 5, BackoffLimit = int.MaxValue,
            PodFailurePolicy = new() { Rules = [new PodFailurePolicyRule { Action = "FailIndex", OnExitCodes = new() { Operator = "In", Values = [42] } }] },
        }));
        await cluster.UntilAsync(api => Status(api) is { CompletedIndexes: "0,2", FailedIndexes: "1", Failed: 1 } s && s.Is("Failed", "FailedIndexes"));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should allow to use the pod failure policy on exit code to fail the job early [Conformance]")]
    public async Task A_rule_may_fail_the_Job_at_once()
    {
        await using var cluster = new TestCluster(Which);
        string? broken = null;
        await using var nodes = Ending(cluster, p => p.Metadata.Name == Volatile.Read(ref broken) ? 42 : null);
        cluster.Api.Put(Works.Job("work", 4, 2).With(s => s with
        {
            PodFailurePolicy = new() { Rules = [new PodFailurePolicyRule { Action = "FailJob", OnExitCodes = new() { Operator = "In", Values = [42] } }] },
        }));
        await cluster.UntilAsync(api => Status(api).Ready == 2);
        Volatile.Write(ref broken, cluster.Api.All<Pod>()[0].Metadata.Name);
        cluster.Api.Change<Pod>(broken!, p => p.Ends(42));
        await cluster.UntilAsync(api => Status(api) is { Active: 0, Terminating: 0 } s && s.Is("Failed", "PodFailurePolicy"));
        Assert.Matches(@"^Container main for pod default/work-\S+ failed with exit code 42 matching FailJob rule at index 0$", Status(cluster.Api).Conditions.Find(c => c.Type == "Failed")!.Message);
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition [Conformance]")]
    public async Task Disrupted_Pods_may_be_ignored()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        bool disrupted = false;
        await using var nodes = new PlayedNodes(cluster, p => Volatile.Read(ref disrupted) ? p.Ends() : p.IsScheduledReady() ? p : p.Ready());
        cluster.Api.Put(Works.Job("work").With(s => s with
        {
            BackoffLimit = 0,
            PodFailurePolicy = new() { Rules = [new PodFailurePolicyRule { Action = "Ignore", OnPodConditions = [new PodFailurePolicyOnPodConditionsPattern { Type = "DisruptionTarget", Status = "True" }] }] },
        }));
        await cluster.UntilAsync(api => Status(api).Ready == 1);
        cluster.Api.Change<Pod>(cluster.Api.All<Pod>()[0].Metadata.Name, p => p.Ends(137) is var f ? f with { Status = f.Status with { Conditions = [new PodCondition { Type = "DisruptionTarget", Status = "True" }] } } : p);
        Volatile.Write(ref disrupted, true);
        await cluster.UntilAsync(api => Status(api) is { Failed: 0, Succeeded: 1 } s && s.Is("Complete"));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending [Conformance]")]
    [Trait("Conformance", "[sig-apps] Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending [Conformance]")]
    [Trait("Conformance", "[sig-apps] Job with successPolicy should succeeded when all indexes succeeded [Conformance]")]
    public async Task A_success_policy_ends_the_Job_while_others_still_run()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = Ending(cluster, p => p.Metadata.Labels["batch.kubernetes.io/job-name"] == "all" || Index(p) == 0 ? 0 : null);
        SuccessPolicyRule[] rules = [new() { SucceededIndexes = "0" }, new() { SucceededCount = 1 }];
        for (int i = 0; i < rules.Length; i++)
            cluster.Api.Put(Works.Job("early" + i, 3, 3, indexed: true).With(s => s with { SuccessPolicy = new() { Rules = [rules[i]] } }));
        cluster.Api.Put(Works.Job("all", 3, 3, indexed: true).With(s => s with { SuccessPolicy = new() { Rules = [new SuccessPolicyRule { SucceededCount = 3 }] } }));
        foreach (string name in (string[])["early0", "early1"])
            await cluster.UntilAsync(api => Status(api, name) is { CompletedIndexes: "0", Succeeded: 1, Active: 0, Failed: 0, Terminating: 0 } s && s.Is("SuccessCriteriaMet", "SuccessPolicy") && s.Is("Complete", "SuccessPolicy"));
        await cluster.UntilAsync(api => Status(api, "all") is { CompletedIndexes: "0-2", Succeeded: 3 } s && s.Is("Complete", "SuccessPolicy"));
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] Job should adopt matching orphans and release non-matching pods [Conformance]")]
    public async Task Orphans_are_adopted_with_the_finalizer_and_strangers_released_without()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Works.Job("work", null, 2));
        await cluster.UntilAsync(api => Status(api).Active == 2);
        string name = cluster.Api.All<Pod>()[0].Metadata.Name;

        cluster.Api.Change<Pod>(name, p => p with { Metadata = p.Metadata with { OwnerReferences = default } });
        await cluster.UntilAsync(api => api.Find<Pod>(name)!.Controller?.Name == "work");
        Assert.Contains(JobPod.Finalizer, cluster.Api.Find<Pod>(name)!.Metadata.Finalizers);
        cluster.Api.Change<Pod>(name, p => p with { Metadata = p.Metadata with { Labels = default } });
        await cluster.UntilAsync(api => api.Find<Pod>(name) is { Metadata.Finalizers.IsEmpty: true } p && p.Controller is null);
    }

    [Fact]
    public async Task A_suspended_Job_has_no_Pods_and_its_time_starts_anew()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = new PlayedNodes(cluster);
        cluster.Api.Put(Works.Job("work", 4, 2).With(s => s with { Suspend = true, ActiveDeadlineSeconds = 1000 }));
        await cluster.UntilAsync(api => Status(api) is { Active: 0, StartTime: null } s && s.Is("Suspended", "JobSuspended"));
        cluster.Time.Advance(TimeSpan.FromSeconds(5000));
        cluster.Api.Change<Job>("work", j => j.With(s => s with { Suspend = false }));
        await cluster.UntilAsync(api => Status(api) is { Active: 2, StartTime: not null } s && s.Conditions.Exists(c => c is { Type: "Suspended", Status: "False", Reason: "JobResumed" }));

        cluster.Api.Change<Job>("work", j => j.With(s => s with { Suspend = true }));
        await cluster.UntilAsync(api => api.All<Pod>().Count == 0 && Status(api) is { Active: 0, Failed: 0, Terminating: 0 } s && s.Is("Suspended"));
        cluster.Api.Change<Job>("work", j => j.With(s => s with { Suspend = false }));
        await cluster.UntilAsync(api => Status(api).Ready == 2);
        cluster.Time.Advance(TimeSpan.FromSeconds(1001));
        await cluster.UntilAsync(api => Status(api) is { Active: 0 } s && s.Is("Failed", "DeadlineExceeded"));
        Assert.Contains(("Resumed", "Job resumed"), cluster.Events.Told);
    }

    [Fact]
    public async Task With_policy_Failed_a_Pod_is_replaced_only_once_it_has_ended()
    {
        await using var cluster = new TestCluster(Which) { Creep = TimeSpan.FromSeconds(1) };
        bool hold = true;
        await using var nodes = new PlayedNodes(cluster) { Held = p => Volatile.Read(ref hold) || !p.Metadata.Finalizers.IsEmpty };
        cluster.Api.Put(Works.Job("work", 1).With(s => s with { PodReplacementPolicy = "Failed" }));
        await cluster.UntilAsync(api => Status(api).Ready == 1);
        string first = cluster.Api.All<Pod>()[0].Metadata.Name;
        await cluster.Client.DeleteAsync<Pod>(new("default", first), new(), CancellationToken.None);
        await cluster.UntilAsync(api => Status(api) is { Terminating: 1, Active: 0 });
        cluster.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Single(cluster.Api.All<Pod>());

        cluster.Api.Change<Pod>(first, p => p.Ends(137, cluster.Time.GetUtcNow()));
        Volatile.Write(ref hold, false);
        await cluster.UntilAsync(api => Status(api) is { Ready: 1, Failed: 1, Terminating: 0 });
    }

    [Fact]
    public async Task Another_controllers_Job_is_left_alone()
    {
        await using var cluster = new TestCluster(Which);
        cluster.Api.Put(Works.Job("theirs").With(s => s with { ManagedBy = "example.com/queue" }));
        cluster.Api.Put(Works.Job("ours"));
        await cluster.UntilAsync(api => Status(api, "ours").Active == 1);
        Assert.Equal(new JobStatus(), Status(cluster.Api, "theirs"));
    }

    [Fact]
    public async Task An_indexed_Job_may_change_its_size()
    {
        await using var cluster = new TestCluster(Which);
        await using var nodes = Ending(cluster, p => Index(p) is 0 or 3 ? 0 : null);
        cluster.Api.Put(Works.Job("work", 4, 4, indexed: true));
        await cluster.UntilAsync(api => Status(api) is { CompletedIndexes: "0,3", Ready: 2 });
        cluster.Api.Change<Job>("work", j => j.With(s => s with { Completions = 2, Parallelism = 2 }));
        await cluster.UntilAsync(api => Status(api) is { CompletedIndexes: "0", Succeeded: 1, Active: 1 });
        cluster.Api.Change<Job>("work", j => j.With(s => s with { Completions = 3, Parallelism = 3 }));
        await cluster.UntilAsync(api => Status(api) is { CompletedIndexes: "0", Active: 2 });
    }

    [Fact]
    public async Task Conflicts_lag_and_a_restart_in_the_middle_count_nothing_twice()
    {
        int writes = 0;
        var first = new TestCluster(Which);
        var api = first.Api;
        api.Intercept = r =>
        {
            if (r.Method == "PATCH" && Interlocked.Increment(ref writes) % 5 == 0) return new ApiResult { Code = 500, Object = FakeApi.Error(500, "InternalError", "no").Status };
            return r.Method == "PUT" && Interlocked.Increment(ref writes) % 4 == 0 ? new ApiResult { Code = 409, Object = FakeApi.Error(409, "Conflict", "the object has been modified").Status } : null;
        };
        await using var nodes = Ending(first, _ => 0);
        api.Put(Works.Job("work", 30, 5));
        await first.UntilAsync(a => Status(a).Succeeded > 5);
        await first.DisposeAsync();

        await using var second = new TestCluster(Which, on: first);
        for (int i = 0; i < 20; i++)
        {
            api.HoldWatches();
            second.Time.Advance(TimeSpan.FromMilliseconds(100));
            api.ReleaseWatches();
        }
        await second.UntilAsync(a => Status(a).Is("Complete"));
        Assert.Equal(30, Status(api).Succeeded);
        Assert.Equal(30, api.All<Pod>().Count);
    }

    static Pod Tracked(Job of, string name) => Make.Pod(name) is var pod ? pod with
    {
        Metadata = pod.Metadata with { Labels = of.Spec.Template.Metadata.Labels, Finalizers = [JobPod.Finalizer], OwnerReferences = [of.ControllerRef()] },
    } : null!;

    [Fact]
    public async Task A_Job_that_has_ended_lets_go_of_its_Pods_unless_somebody_else_runs_it()
    {
        await using var cluster = new TestCluster(Which, api =>
        {
            foreach (var (name, by) in ((string, string?)[])[("others", "example.com/queue"), ("work", null)])
            {
                var job = Works.Job(name).With(s => s with { ManagedBy = by }) with { Status = new() { Conditions = [JobConditions.New(JobConditions.Complete, "", "", Make.Start)] } };
                api.Put(job);
                api.Put(Tracked(job, "of-" + name));
            }
        });
        await cluster.UntilAsync(api => api.Find<Pod>("of-work")!.Metadata.Finalizers.IsEmpty);
        Assert.Contains(JobPod.Finalizer, cluster.Api.Find<Pod>("of-others")!.Metadata.Finalizers);
    }

    [Fact]
    public async Task Pods_that_are_seen_before_their_Job_stay_its_own()
    {
        bool listed = false;
        await using var cluster = new TestCluster(Which, api => api.Intercept = r =>
        {
            if (r is { Method: "GET", Path: "/apis/batch/v1/jobs" })
            {
                // Neither the list nor, for a while, the watch tells of the Job.
                listed = true;
                api.HoldWatches();
                return new ApiResult { Code = 200, List = new(new() { ResourceVersion = "0" }, []) };
            }
            if (r is not { Method: "GET", Path: "/api/v1/pods" }) return null;
            if (!listed) return new ApiResult { Code = 503, Object = FakeApi.Error(503, "ServiceUnavailable", "later").Status };
            if (api.Find<Job>("work") is null) api.Put(Tracked(api.Put(Works.Job("work")), "first"));
            return null;
        });
        await cluster.UntilAsync(api => api.Requests.Any(r => r is { Method: "GET", Path: "/apis/batch/v1/namespaces/default/jobs/work" }));
        cluster.Api.ReleaseWatches();
        cluster.Api.Change<Pod>("first", p => p.Ends());
        await cluster.UntilAsync(api => Status(api).Is("Complete"));
        Assert.Equal((1, 1), (Status(cluster.Api).Succeeded, cluster.Api.All<Pod>().Count));
    }

    [Fact]
    public async Task A_Job_that_is_being_deleted_may_still_complete_but_makes_nothing()
    {
        var job = Works.Job("work", 2, 2) is var j ? j with { Metadata = j.Metadata with { DeletionTimestamp = Make.Start, Finalizers = ["foregroundDeletion"] }, Status = new() { Succeeded = 1, StartTime = Make.Start } } : null!;
        await using var cluster = new TestCluster(Which, api =>
        {
            api.Put(job);
            api.Put(Tracked(job, "last").Ends());
        });
        await cluster.UntilAsync(api => Status(api).Is("Complete", "CompletionsReached") && Status(api).Is("SuccessCriteriaMet"));
        Assert.Single(cluster.Api.All<Pod>());
    }

    [Fact]
    public void Of_too_many_Pods_the_youngest_goes_whatever_it_says_it_costs()
    {
        var job = Works.Job("work", 4, 1);
        Pod old = Tracked(job, "old").Ready(Make.Start), young = Tracked(job, "young").Ready(Make.Start.AddSeconds(1));
        old = old with { Metadata = old.Metadata with { Annotations = Map.Of(("controller.kubernetes.io/pod-deletion-cost", "-100")) } };
        Assert.Equal(["young"], JobWork.For(new JobView(job, [old, young], default, Make.Start.AddDays(1))).Delete.Select(p => p.Metadata.Name));
    }
}
