using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Jobs;

namespace Hanbae.Controllers.Tests.Jobs;

public sealed class PoliciesTests
{
    [Theory]
    [InlineData("", 10, "", 0)]
    [InlineData("1,3-5,7", 10, "1,3-5,7", 5)]
    [InlineData("0,1,2", 10, "0-2", 3)]
    [InlineData("3,4", 10, "3,4", 2)]
    [InlineData("1,3-9", 5, "1,3,4", 3)]
    [InlineData("x,2", 5, "2", 1)]
    public void Indexes_are_written_compactly(string text, int limit, string compact, int count)
    {
        var indexes = Intervals.Parse(text, limit);
        Assert.Equal((compact, count), (indexes.ToString(), indexes.Count));
    }

    [Fact]
    public void Added_indexes_close_gaps() => Assert.Equal("0-5,9", Intervals.Parse("1,3-5", 10).With([2, 0, 9]).ToString());

    [Theory]
    [InlineData("Ignore", "In", 42, 42, false, false)]
    [InlineData("Count", "In", 42, 42, true, false)]
    [InlineData("FailIndex", "NotIn", 1, 42, true, false)]
    [InlineData("FailJob", "In", 42, 42, true, true)]
    [InlineData("FailJob", "In", 41, 42, true, false)]
    public void A_rule_matches_exit_codes(string action, string op, int value, int code, bool counts, bool failsJob)
    {
        var policy = new PodFailurePolicy { Rules = [new PodFailurePolicyRule { Action = action, OnExitCodes = new() { Operator = op, Values = [value] } }] };
        var verdict = Policies.Of(policy, Make.Pod("p").Ends(code));

        Assert.Equal((counts, failsJob), (verdict.Counts, verdict.JobFailure is not null));
        if (failsJob) Assert.Equal("Container main for pod default/p failed with exit code 42 matching FailJob rule at index 0", verdict.JobFailure);
    }

    [Fact]
    public void A_rule_matches_conditions()
    {
        var policy = new PodFailurePolicy
        {
            Rules = [new PodFailurePolicyRule { Action = "Ignore", OnPodConditions = [new PodFailurePolicyOnPodConditionsPattern { Type = "DisruptionTarget", Status = "True" }] }],
        };
        var pod = Make.Pod("p").Ends(1);
        Assert.True(Policies.Of(policy, pod).Counts);
        Assert.False(Policies.Of(policy, pod with { Status = pod.Status with { Conditions = [new PodCondition { Type = "DisruptionTarget", Status = "True" }] } }).Counts);
    }

    [Theory]
    [InlineData("0-1", null, "0,1", true)]
    [InlineData("0-1", null, "0,2", false)]
    [InlineData("0-3", 2, "1,3", true)]
    [InlineData("0-3", 2, "1,4", false)]
    [InlineData(null, 2, "1,4", true)]
    [InlineData("10-12", null, "1,4", false)] // none of the Job's: never met
    [InlineData("", null, "", false)]
    public void Success_may_be_had_before_all_is_done(string? indexes, int? count, string succeeded, bool met)
    {
        var policy = new SuccessPolicy { Rules = [new SuccessPolicyRule { SucceededIndexes = indexes, SucceededCount = count }] };
        Assert.Equal(met ? "Matched rules at index 0" : null, Policies.Of(policy, Intervals.Parse(succeeded, 5), 5));
    }

    [Fact]
    public void Patience_doubles_with_failures_and_ends_with_success()
    {
        var pods = Enumerable.Range(0, 3).Select(i => Make.Pod("p" + i).Ends(1, Make.Start.AddSeconds(i))).ToList();
        var failures = default(Failures).With([], [pods[0]], Make.Start);
        Assert.Equal(Make.Start.AddSeconds(10), failures.Until);
        failures = failures.With([], pods[1..], Make.Start);
        Assert.Equal((3, Make.Start.AddSeconds(2 + 40)), (failures.Count, failures.Until));
        Assert.Null(failures.With([Make.Pod("q").Ends(0, Make.Start.AddSeconds(9))], [], Make.Start).Until);
    }

    [Fact]
    public void A_rule_of_which_nothing_is_known_gives_way_to_the_next()
    {
        PodFailurePolicyRule Rule(string action) => new() { Action = action, OnExitCodes = new() { Operator = "In", Values = [42] } };
        Assert.Equal("Ignore", Policies.Of(new PodFailurePolicy { Rules = [Rule("Ponder"), Rule("Ignore")] }, Make.Pod("p").Ends(42)).Action);
    }
}
