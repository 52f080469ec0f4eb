using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Batch.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Jobs;

namespace Hanbae.Controllers.Tests.Jobs;

/// <summary>What one look at a Job and its Pods leads to, by upstream's cases.</summary>
public sealed class WorkTests
{
    /// <param name="job">Parallelism, completions (<c>-</c>: none), and what else: <c>limit0</c>, <c>indexed</c>, <c>failed</c> (replaced once they have ended), <c>rules</c>, <c>suspend</c>, <c>perIndex1</c>.</param>
    /// <param name="pods">How many that are p(ending), r(unning), s(ucceeded), f(ailed), t(erminating), or one of an index (<c>#0s</c>; <c>#x</c> is none of the Job's).</param>
    /// <param name="work">Pods made (of an indexed Job their indexes) and deleted.</param>
    /// <param name="counts">Succeeded, failed, on their way out; of an indexed Job the indexes that are complete.</param>
    [Theory]
    [InlineData("2 5", "", "+2", "0 0 0")]
    [InlineData("2 -", "", "+2", "0 0 0")]
    [InlineData("2 5", "2p", "", "0 0 0")]
    [InlineData("3 5", "3r", "", "0 0 0")]
    [InlineData("2 5", "1r 1s", "+1", "1 0 0")]
    [InlineData("2 -", "1r", "+1", "0 0 0")]
    [InlineData("2 5", "1r 1f", "+1", "0 1 0")]
    [InlineData("2 5", "1r 1s 1f", "+1", "1 1 0")]
    // Of too many some go, of work that is nearly done all but what is left.
    [InlineData("2 5", "3r", "-1", "0 0 0")]
    [InlineData("2 5", "10r", "-8", "0 0 0")]
    [InlineData("3 4", "3r 2s", "-1", "2 0 0")]
    [InlineData("1 1 failed", "2r 4t", "-1", "0 0 4")]
    [InlineData("1 1 rules", "2r 4t", "-1", "0 0 4")]
    // Without a number of completions the first success is the beginning of the end.
    [InlineData("2 -", "1r 1s", "", "1 0 0")]
    [InlineData("2 -", "2s", "", "2 0 0")]
    [InlineData("2 -", "1s 1f", "", "1 1 0")]
    // Who is on its way out has failed, unless it is waited for.
    [InlineData("1 - failed", "1r 1f 1t", "", "0 1 1")]
    [InlineData("1 1", "1r 1f 1t", "", "0 2 1")]
    [InlineData("1 -", "1r 1f 1t", "", "0 2 1")]
    [InlineData("2 4 suspend", "2r", "-2", "0 0 0")]
    [InlineData("2 4 suspend", "", "", "0 0 0")]
    // By index the lowest first.
    [InlineData("2 5 indexed", "", "+0,1", "0 0 0")]
    [InlineData("2 5 indexed failed", "1t", "+0", "0 0 1")]
    [InlineData("2 5 indexed", "1t", "+0,1", "0 0 1")]
    [InlineData("2 3 indexed", "#0s #1f #1s #2s", "", "3 1 0: 0-2")]
    [InlineData("2 3 indexed", "#0s #1s #1s", "+2", "2 0 0: 0,1")]
    [InlineData("8 20 indexed", "#0r #2s #3p #4s #5s #7s #8s #9s", "+1,6,10,11,12,13", "6 0 0: 2,4,5,7-9")]
    [InlineData("3 4 indexed", "#0f #1p #2f", "+0,2", "0 2 0")]
    [InlineData("2 5 indexed", "1r 1s 1f #xr #xs #xf #xp #0s #1r #2r", "-3", "1 0 0: 0")]
    [InlineData("5 5 indexed", "1s 1f #xr #0s #1r #2r #2p", "-2", "1 0 0: 0")]
    [InlineData("2 5 indexed", "#0s #5r #6s #7p #8f", "-2", "1 0 0: 0")]
    public void A_look_leads_to(string job, string pods, string work, string counts)
    {
        var view = View(job, pods);
        Assert.Null(view.End);
        var plan = JobWork.For(view);
        string made = plan.Create.IsEmpty ? "" : view.Job.Spec.CompletionMode == "Indexed" ? "+" + string.Join(',', plan.Create.Select(JobPod.IndexOf)) : "+" + plan.Create.Length;
        Assert.Equal(work, made + (plan.Delete.IsEmpty ? "" : "-" + plan.Delete.Length));
        Assert.Equal(counts, $"{view.Succeeded} {view.Failed} {view.Terminating}{(view.SucceededIndexes.Count > 0 ? ": " + view.SucceededIndexes : "")}");
        Assert.All(plan.Create, p => Assert.True(JobPod.IsTracked(p)));
    }

    [Theory]
    [InlineData("2 5 limit0", "1f", "BackoffLimitExceeded")]
    [InlineData("2 3 limit0 indexed", "#0s #1f #2r", "BackoffLimitExceeded")]
    [InlineData("2 3 limit0", "2r 1f", "BackoffLimitExceeded")]
    [InlineData("2 3 limit0", "2r 1t", "BackoffLimitExceeded")]
    [InlineData("2 3 limit0 failed", "2r 1t", null)]
    [InlineData("2 5", "6f", null)]
    [InlineData("2 5", "7f", "BackoffLimitExceeded")]
    // Who has no index of the Job's is none of its failures.
    [InlineData("2 5 limit1 indexed", "#8f #xf #1f", null)]
    [InlineData("2 3 limit9 indexed perIndex0", "#0s #1f #2s", "FailedIndexes")]
    [InlineData("2 3 limit9 indexed perIndex0", "#0s #1f #2r", null)]
    public void It_ends_the_Job_or_does_not(string job, string pods, string? reason) => Assert.Equal(reason, View(job, pods).End?.Reason);

    [Theory]
    [InlineData("FailureTarget")]
    [InlineData("SuccessCriteriaMet")]
    public void A_condition_that_says_no_is_no_decision(string condition)
    {
        var job = Works.Job("it") with { Status = new() { Conditions = [new() { Type = condition, Status = "False", Reason = "ByHand", Message = "" }] } };
        Assert.Null(new JobView(job, [], default, Make.Start).End);
    }

    static JobView View(string said, string pods)
    {
        var words = said.Split(' ');
        var job = Works.Job("it", words[1] == "-" ? null : int.Parse(words[1]), int.Parse(words[0]), words.Contains("indexed")).With(s =>
        {
            foreach (string word in words[2..])
                s = word switch
                {
                    "failed" => s with { PodReplacementPolicy = "Failed" },
                    "rules" => s with { PodReplacementPolicy = null, PodFailurePolicy = new() },
                    "suspend" => s with { Suspend = true },
                    _ when word.StartsWith("limit", StringComparison.Ordinal) => s with { BackoffLimit = int.Parse(word[5..]) },
                    _ when word.StartsWith("perIndex", StringComparison.Ordinal) => s with { BackoffLimitPerIndex = int.Parse(word[8..]) },
                    _ => s,
                };
            return s;
        });
        job = job with { Status = new() { StartTime = Make.Start } };
        List<Pod> all = [];
        foreach (string word in pods.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string? index = word[0] == '#' ? word[1..^1] : null;
            for (int i = index is null ? int.Parse(word[..^1]) : 1; i > 0; i--) all.Add(Of(word[^1], index, all.Count));
        }
        return new(job, [.. all], default, Make.Start.AddHours(1));

        Pod Of(char phase, string? index, int at)
        {
            var pod = JobPod.For(job);
            pod = pod with { Metadata = pod.Metadata with { Name = $"p{at}", Uid = $"uid-{at}", Annotations = index is null ? default : Map.Of((JobPod.Index, index == "x" ? "invalid" : index)) } };
            return phase switch
            {
                's' => pod.Ends(), 'f' => pod.Ends(1),
                't' => pod with { Metadata = pod.Metadata with { DeletionTimestamp = Make.Start }, Status = new() { Phase = "Running" } },
                _ => pod with { Status = new() { Phase = phase == 'p' ? "Pending" : "Running" } },
            };
        }
    }
}
