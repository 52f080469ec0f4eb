using Hanbae.Api;

namespace Hanbae.Server.Tables;

/// <summary>Fills the columns of a kind (<see cref="Hanbae.Api.Rest.ResourceInfo.Columns"/>) for one object.</summary>
public interface ITable
{
    /// <summary>Writes one cell per column, in order.</summary>
    void Write(IObject obj, IRow row);

    /// <summary>What the column means, for its definition.</summary>
    string Describe(Hanbae.Api.Schema.ApiColumn column) => "";
}

/// <summary>Takes the cells of a row. Ages are not text but instants: rows are kept and their ages written anew in every answer.</summary>
public interface IRow
{
    void Text(string value);
    void Number(long value);
    void Number(double value);
    void Bool(bool value);
    void Null();
    /// <summary>How long ago, as <c>5m</c>; <c>&lt;unknown&gt;</c> when null.</summary>
    void Age(DateTimeOffset? since);
    /// <summary>Text around an age: <c>3 (</c>, since, <c> ago)</c>.</summary>
    void TextWithAge(string before, DateTimeOffset since, string after);
    /// <summary>A date cell.</summary>
    void Time(DateTimeOffset? value);
    /// <summary>A condition of the row itself, such as upstream's Completed of finished Pods.</summary>
    void Condition(string type, string status, string reason, string message);
}
