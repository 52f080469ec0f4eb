using Hanbae.Api;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Default;
using Hanbae.Machinery.Validate;

namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Of Jobs: whose Pods they are, what their status may say, and when a CronJob makes them.</summary>
public sealed class JobRulesTests
{
    const string Template = """ "template":{"metadata":{"labels":{"app":"web"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}""";

    static IObject Read(string kind, string rest, string name = "x") =>
        Defaults.Apply((IObject)ApiData.Kind(new("batch", "v1", kind))!.Decode(System.Text.Encoding.UTF8.GetBytes("{\"kind\":\"" + kind + "\",\"apiVersion\":\"batch/v1\",\"metadata\":{\"name\":\"" + name + "\",\"namespace\":\"default\",\"uid\":\"u\"}," + rest + "}")));

    static string[] Told(IReadOnlyList<FieldError> errors) => [.. errors.Select(e => e.ToString())];

    const string Right = "\"controller-uid\":\"u\",\"job-name\":\"x\",\"batch.kubernetes.io/controller-uid\":\"u\",\"batch.kubernetes.io/job-name\":\"x\"";

    [Theory]
    [InlineData("\"batch.kubernetes.io/controller-uid\":\"u\"", Right, null)]
    [InlineData("\"batch.kubernetes.io/controller-uid\":\"u\"", "\"job-name\":\"y\",\"controller-uid\":\"u\",\"batch.kubernetes.io/controller-uid\":\"u\",\"batch.kubernetes.io/job-name\":\"x\"", "spec.template.metadata.labels[job-name]: Invalid value")]
    [InlineData("\"batch.kubernetes.io/controller-uid\":\"u\"", "\"controller-uid\":\"u\",\"batch.kubernetes.io/controller-uid\":\"u\",\"batch.kubernetes.io/job-name\":\"x\"", "spec.template.metadata.labels[job-name]: Required value: must be 'x'")]
    [InlineData("\"batch.kubernetes.io/controller-uid\":\"u\",\"app\":\"web\"", Right + ",\"app\":\"web\"", "`selector` not auto-generated")]
    public void A_generated_selector_is_the_Job_s_own(string selector, string labels, string? wrong)
    {
        string[] told = Told(Rules.Create(Read("Job", "\"spec\":{\"selector\":{\"matchLabels\":{" + selector + "}},\"template\":{\"metadata\":{\"labels\":{" + labels + "}},\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}"), true));
        if (wrong is null) Assert.Empty(told);
        else Assert.Contains(wrong, Assert.Single(told), StringComparison.Ordinal);
    }

    static IObject Job(string more, string status = "", string name = "x") =>
        Read("Job", "\"spec\":{\"manualSelector\":true,\"selector\":{\"matchLabels\":{\"app\":\"web\"}}," + more + (more.Length > 0 ? "," : "") + Template + "},\"status\":{" + status + "}", name);

    [Theory]
    [InlineData("\"managedBy\":\"example.com/queue\"", "x", null)]
    [InlineData("\"managedBy\":\"queue\"", "x", "spec.managedBy: Invalid value: \"queue\": must be a domain-prefixed path (such as \"acme.io/foo\")")]
    [InlineData("\"completionMode\":\"Indexed\",\"completions\":11", "a123456789a123456789a123456789a123456789a123456789a123456789a", "metadata.name: Invalid value: \"a123456789a123456789a123456789a123456789a123456789a123456789a\": will not able to create pod with invalid DNS label: a123456789a123456789a123456789a123456789a123456789a123456789a-10")]
    public void Who_runs_a_Job_and_what_its_Pods_are_called_has_a_form(string more, string name, string? wrong) =>
        Assert.Equal(wrong is null ? [] : [wrong], Told(Rules.Create(Job(more, name: name), true)));

    const string Start = "\"startTime\":\"2030-01-01T00:00:00Z\"", End = "\"completionTime\":\"2030-01-01T00:01:00Z\"";
    const string Done = "\"conditions\":[{\"type\":\"SuccessCriteriaMet\",\"status\":\"True\"},{\"type\":\"Complete\",\"status\":\"True\"}]," + Start;

    [Theory]
    [InlineData("", Start, Done + "," + End, null)]
    [InlineData("", Start, Done, "status.completionTime: Required value: completionTime is required for Complete jobs")]
    [InlineData("", Start, Start + "," + End, "status.completionTime: Invalid value: \"2030-01-01T00:01:00Z\": cannot set completionTime when there is no Complete=True condition")]
    [InlineData("", Done + "," + End, Start, "status.conditions: Invalid value: cannot disable the terminal Complete=True condition")]
    [InlineData("", Done + "," + End, Done + ",\"completionTime\":\"2030-01-01T00:02:00Z\"", "status.completionTime: Invalid value: \"2030-01-01T00:02:00Z\": completionTime cannot be mutated")]
    [InlineData("", Start, Done + "," + End + ",\"active\":1", "status.active: Invalid value: 1: active>0 is invalid for finished job")]
    [InlineData("", Start, Done + "," + End + ",\"uncountedTerminatedPods\":{\"failed\":[\"a\"]}", "status.uncountedTerminatedPods: Invalid value: {\"failed\":[\"a\"]}: uncountedTerminatedPods needs to be empty for finished job")]
    [InlineData("", "\"failed\":2", "\"failed\":1", "status.failed: Invalid value: 1: cannot decrease the failed counter")]
    [InlineData("", "\"succeeded\":2", "\"succeeded\":1", "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter")]
    [InlineData("\"completionMode\":\"Indexed\",\"completions\":3,\"parallelism\":3", "\"succeeded\":2", "\"succeeded\":1", null)]
    [InlineData("\"completionMode\":\"Indexed\",\"completions\":3,\"parallelism\":3", "", "\"completedIndexes\":\"0,3\"", "status.completedIndexes: Invalid value: \"0,3\": error parsing completedIndexes: too large index: \"3\"")]
    [InlineData("\"completionMode\":\"Indexed\",\"completions\":5,\"backoffLimitPerIndex\":1", "", "\"completedIndexes\":\"0-2\",\"failedIndexes\":\"2,4\"", "status.failedIndexes: Invalid value: \"2,4\": failedIndexes and completedIndexes overlap at index: 2")]
    [InlineData("", "", "\"completedIndexes\":\"0\"", "status.completedIndexes: Invalid value: \"0\": cannot set non-empty completedIndexes when non-indexed completion mode")]
    [InlineData("", "", "\"active\":-1", "status.active: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("", "", "\"active\":1,\"ready\":2", "status.ready: Invalid value: 2: cannot set more ready pods than active")]
    [InlineData("", Start, "", "status.startTime: Invalid value: null: field is immutable for unsuspended job once set")]
    [InlineData("", Start, "\"startTime\":\"2030-01-02T00:00:00Z\"", "status.startTime: Invalid value: \"2030-01-02T00:00:00Z\": field is immutable for unsuspended job once set")]
    [InlineData("\"suspend\":true", Start, "", null)]
    // What was written within the process knows more than what came back from the store.
    [InlineData("", "\"startTime\":\"2030-01-01T00:00:00.5Z\"", Start, null)]
    [InlineData("", Start + ",\"conditions\":[{\"type\":\"Suspended\",\"status\":\"True\"}]", "\"startTime\":\"2030-01-02T00:00:00Z\"", null)]
    public void A_Job_s_status_does_not_contradict_itself(string spec, string before, string after, string? wrong)
    {
        string[] told = Told(Rules.Update(Job(spec, after), Job(spec, before), "status"));
        if (wrong is null) Assert.Empty(told);
        else Assert.Contains(wrong, told);
    }

    static IObject Cron(string schedule, string more = "", string job = "") =>
        Read("CronJob", "\"spec\":{\"schedule\":\"" + schedule + "\"," + more + "\"jobTemplate\":{\"spec\":{" + job + Template + "}}}");

    [Theory]
    [InlineData("\"timeZone\":\"Europe/Berlin\",", "", null)]
    [InlineData("\"timeZone\":\"Foo/Bar\",", "", "spec.timeZone: Invalid value: \"Foo/Bar\": unknown time zone Foo/Bar")]
    [InlineData("\"timeZone\":\"LOCAL\",", "", "spec.timeZone: Invalid value: \"LOCAL\": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")]
    [InlineData("", "\"manualSelector\":true,", "spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: \"nil\", \"false\"")]
    [InlineData("", "\"selector\":{\"matchLabels\":{\"a\":\"b\"}},", "spec.jobTemplate.spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\"}}: `selector` will be auto-generated")]
    public void A_CronJob_says_where_its_hours_are_and_leaves_the_selector_alone(string more, string job, string? wrong)
    {
        string[] told = Told(Rules.Create(Cron("0 1 * * *", more, job), true));
        if (wrong is null) Assert.Empty(told);
        else Assert.Contains(wrong, told);
    }

    [Fact]
    public void A_zone_in_a_schedule_stays_where_it_was()
    {
        var zoned = Cron("TZ=UTC 0 1 * * *");
        Assert.NotEmpty(Rules.Create(zoned, true));
        Assert.NotEmpty(Rules.Update(zoned, Cron("0 1 * * *"), ""));
        Assert.Empty(Rules.Update(Cron("TZ=UTC 0 2 * * *"), zoned, ""));
        Assert.Equal(["spec.schedule: Invalid value: \"TZ=UTC 0 1 * * *\": cannot use both timeZone field and TZ or CRON_TZ in schedule"], Told(Rules.Update(Cron("TZ=UTC 0 1 * * *", "\"timeZone\":\"UTC\","), zoned, "")));
        // A zone that was taken once stays, too.
        Assert.Empty(Rules.Update(Cron("0 1 * * *", "\"timeZone\":\"Foo/Bar\","), Cron("0 2 * * *", "\"timeZone\":\"Foo/Bar\","), ""));
    }
}
