using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Tests.Tables;

public sealed class PodCellsTests
{
    static RowText Row(string status, string meta = "", string spec = "\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]") =>
        RowText.Of(Pod.Info, $$$"""{"metadata":{"name":"web","creationTimestamp":"2030-01-01T11:55:00Z"{{{meta}}} },"spec":{ {{{spec}}} },"status":{ {{{status}}} }}""");

    const string Running = "\"ready\":true,\"state\":{\"running\":{}}";

    [Fact]
    public void A_running_pod_shows_all_its_columns()
    {
        var row = Row($$$$"""
            "phase":"Running","podIPs":[{"ip":"10.1.0.7"}],"nominatedNodeName":"n2","conditions":[{"type":"Ready","status":"True"},{"type":"gate/a","status":"True"}],
            "containerStatuses":[{"name":"a",{{{{Running}}}} },{"name":"b",{{{{Running}}}},"restartCount":3,"lastState":{"terminated":{"finishedAt":"2030-01-01T11:58:00Z"}}}]
            """, spec: "\"nodeName\":\"n1\",\"readinessGates\":[{\"conditionType\":\"gate/a\"},{\"conditionType\":\"gate/b\"}],\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]");
        Assert.Equal("web | 2/2 | Running | 3 (2m ago) | 5m | 10.1.0.7 | n1 | n2 | 1/2", row.ToString());
        Assert.Empty(row.Conditions);
    }

    [Fact]
    public void What_is_not_known_yet_is_none() => Assert.Equal("web | 0/2 | Pending | 0 | 5m | <none> | <none> | <none> | <none>", Row("\"phase\":\"Pending\"").ToString());

    [Theory]
    [InlineData("CrashLoopBackOff", """ "phase":"Running","containerStatuses":[{"name":"a","state":{"waiting":{"reason":"CrashLoopBackOff"}}}] """)]
    [InlineData("Completed", """ "phase":"Succeeded","containerStatuses":[{"name":"a","state":{"terminated":{"reason":"Completed"}}}] """)]
    [InlineData("Error", """ "phase":"Failed","containerStatuses":[{"name":"a","state":{"terminated":{"reason":"Error","exitCode":1}}}] """)]
    [InlineData("ExitCode:3", """ "phase":"Failed","containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":3}}}] """)]
    [InlineData("Signal:9", """ "phase":"Failed","containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":137,"signal":9}}}] """)]
    [InlineData("Evicted", """ "phase":"Failed","reason":"Evicted" """)]
    [InlineData("SchedulingGated", """ "phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}] """)]
    [InlineData("NotReady", """ "phase":"Running","containerStatuses":[{"name":"a","state":{"terminated":{"reason":"Completed"}}},{"name":"b","ready":true,"state":{"running":{}}}] """)]
    [InlineData("Running", """ "phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"a","state":{"terminated":{"reason":"Completed"}}},{"name":"b","ready":true,"state":{"running":{}}}] """)]
    public void The_status_is_what_ails_the_containers(string expected, string status) => Assert.Equal(expected, Row(status).Cells[2]);

    [Theory]
    [InlineData("Init:0/2", """ {"name":"i","state":{"running":{}}} """)]
    [InlineData("Init:1/2", """ {"name":"i","state":{"terminated":{"exitCode":0}}},{"name":"j","state":{"waiting":{"reason":"PodInitializing"}}} """)]
    [InlineData("Init:CrashLoopBackOff", """ {"name":"i","state":{"waiting":{"reason":"CrashLoopBackOff"}}} """)]
    [InlineData("Init:Error", """ {"name":"i","state":{"terminated":{"exitCode":1,"reason":"Error"}}} """)]
    [InlineData("Init:ExitCode:2", """ {"name":"i","state":{"terminated":{"exitCode":2}}} """)]
    [InlineData("Init:Signal:15", """ {"name":"i","state":{"terminated":{"exitCode":143,"signal":15}}} """)]
    public void Init_containers_show_as_long_as_they_run(string expected, string statuses)
    {
        var row = Row($"\"phase\":\"Pending\",\"initContainerStatuses\":[{statuses}],\"containerStatuses\":[{{\"name\":\"a\",\"state\":{{\"waiting\":{{\"reason\":\"PodInitializing\"}}}}}}]",
            spec: "\"initContainers\":[{\"name\":\"i\"},{\"name\":\"j\"}],\"containers\":[{\"name\":\"a\"}]");
        Assert.Equal((expected, "0/1"), (row.Cells[2], row.Cells[1]));
    }

    [Fact]
    public void A_started_sidecar_counts_as_a_container_with_its_restarts()
    {
        var row = Row($$$$"""
            "phase":"Running","initContainerStatuses":[{"name":"i","started":true,"ready":true,"restartCount":2,"state":{"running":{}},"lastState":{"terminated":{"finishedAt":"2030-01-01T11:00:00Z"}}},
            {"name":"j","restartCount":9,"state":{"terminated":{"exitCode":0}}}],"containerStatuses":[{"name":"a",{{{{Running}}}} }]
            """, spec: "\"initContainers\":[{\"name\":\"i\",\"restartPolicy\":\"Always\"},{\"name\":\"j\"}],\"containers\":[{\"name\":\"a\"}]");
        Assert.Equal("2/2 | Running | 2 (60m ago)", string.Join(" | ", row.Cells[1..4]));
    }

    [Theory]
    [InlineData("Terminating", """ "phase":"Running" """)]
    [InlineData("Unknown", """ "phase":"Running","reason":"NodeLost" """)]
    [InlineData("Succeeded", """ "phase":"Succeeded" """)]
    public void A_pod_that_is_being_deleted_says_so_unless_it_is_over(string expected, string status) =>
        Assert.Equal(expected, Row(status, ",\"deletionTimestamp\":\"2030-01-01T12:00:00Z\"").Cells[2]);

    [Fact]
    public void Finished_pods_are_marked_so_that_clients_may_hide_them()
    {
        Assert.Equal(["Completed=True Succeeded"], Row("\"phase\":\"Succeeded\"").Conditions);
        Assert.Equal(["Completed=True Failed"], Row("\"phase\":\"Failed\"").Conditions);
    }
}
